using Puff.Engine.Schema;
using Puff.Engine.Text;
using Xunit;

namespace Puff.Engine.Tests.Text;

/// <summary>Tokens the plain way: one segment after the other from the start of the text, to compare the blocks with.</summary>
internal static class SegmentReference
{
    public static void AssertSame(byte[] text, string tokenizer = "word_v4", int maxLength = 39)
    {
        var settings = new FullTextSettings { Tokenizer = tokenizer, MaxTokenLength = maxLength };
        var found = Tokens.Analyze(text, settings);
        var expected = Expected(text, tokenizer, maxLength);
        var shown = Enumerable.Range(0, found.Count).Select(i => (Convert.ToHexString(found.Term(i)), found.Position(i), found.Start(i), found.End(i)));
        Assert.Equal(expected, shown);
    }

    private static List<(string Term, int Position, int Start, int End)> Expected(byte[] text, string tokenizer, int maxLength)
    {
        var expected = new List<(string, int, int, int)>();
        int position = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = Next(text, at, tokenizer, out bool isToken);
            var segment = text.AsSpan(at, end - at);
            if (isToken && (segment.Length <= maxLength || CodePoints.Count(segment) <= maxLength))
            {
                expected.Add((Convert.ToHexString(Lower(segment)), position, at, end));
            }

            position += isToken ? 1 : 0;
            at = end;
        }

        return expected;
    }

    private static int Next(byte[] text, int at, string tokenizer, out bool isToken) => tokenizer switch
    {
        "word_v0" => RunSegmenter<ZerothRules>.NextBoundary(text, at, out isToken),
        "word_v1" => RunSegmenter<FirstRules>.NextBoundary(text, at, out isToken),
        "word_v2" => RunSegmenter<SecondRules>.NextBoundary(text, at, out isToken),
        _ => WordSegmenter.NextBoundary(text, at, out isToken),
    };

    private static byte[] Lower(ReadOnlySpan<byte> segment)
    {
        var lower = new List<byte>();
        Span<byte> one = stackalloc byte[4];
        for (int at = 0; at < segment.Length;)
        {
            int codePoint = CodePoints.Decode(segment, at, out int length);
            at += length;
            lower.AddRange(one[..LowerCase.Append(codePoint, one)]);
        }

        return [.. lower];
    }
}
