using System.Globalization;
using System.IO.Compression;
using Puff.Engine.Text;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.Text;

/// <summary>The consortium's tests of default word boundaries.</summary>
public class WordBreakTests
{
    [Fact]
    public void Every_consortium_test_breaks_where_it_should()
    {
        var wrong = new List<string>();
        int count = 0;
        foreach (string line in Lines())
        {
            var (text, expected) = Parse(line);
            count++;
            var found = Boundaries(text);
            if (!found.SequenceEqual(expected))
            {
                wrong.Add($"{line}: breaks at {string.Join(' ', found)}");
            }
        }

        Assert.Equal(1823, count);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>The bit-parallel path over ASCII and the path by segments give the same tokens, alone and in the midst of a longer text.</summary>
    [Fact]
    public void Every_consortium_test_gives_the_same_tokens_by_blocks_as_by_segments()
    {
        foreach (string line in Lines())
        {
            byte[] text = Parse(line).Text;
            byte[] padded = [.. new string('x', 61).Select(c => (byte)c), (byte)' ', .. text, (byte)' ', (byte)'y'];
            SegmentReference.AssertSame(text);
            SegmentReference.AssertSame(padded);
        }
    }

    private static List<int> Boundaries(byte[] text)
    {
        var found = new List<int> { 0 };
        while (found[^1] < text.Length)
        {
            found.Add(WordSegmenter.NextBoundary(text, found[^1], out _));
        }

        return found;
    }

    private static (byte[] Text, List<int> Boundaries) Parse(string line)
    {
        var text = new List<byte>();
        var boundaries = new List<int>();
        foreach (string part in line.Split('#')[0].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "÷")
            {
                boundaries.Add(text.Count);
            }
            else if (part != "×")
            {
                text.AddRange(System.Text.Encoding.UTF8.GetBytes(char.ConvertFromUtf32(int.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))));
            }
        }

        return ([.. text], boundaries);
    }

    private static IEnumerable<string> Lines()
    {
        using var file = new GZipStream(File.OpenRead(Repository.Resolve("tests/data/unicode/WordBreakTest-15.0.0.txt.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(file);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('÷'))
            {
                yield return line;
            }
        }
    }
}
