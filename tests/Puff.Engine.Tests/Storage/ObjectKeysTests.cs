using Puff.Engine.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class ObjectKeysTests
{
    private static readonly string[] Pieces =
        ["a", "b", "/", "-", ".", "0", "é", "\u0800", "\uD7FF", "\uE000", "\uFFFD", "\U00010000", "\U0010FFFF", "%", " ", ".obj"];

    [Fact]
    public void OrderIsThatOfTheBytes()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            string left = Text(random);
            string right = Text(random);
            int expected = System.Text.Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(right));
            Assert.Equal(Math.Sign(expected), Math.Sign(ObjectKeys.Compare(left, right)));
        }
    }

    [Fact]
    public void PathsAreSafeAndNamesComeBack()
    {
        var random = new Random(12);
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < 20_000; i++)
        {
            string key = Text(random);
            try
            {
                ObjectKeys.Validate(key);
            }
            catch (ArgumentException)
            {
                continue;
            }

            string path = FileNames.ToPath(key);
            Assert.Equal(key, seen.TryAdd(path, key) ? key : seen[path]);
            Assert.Matches("^[A-Za-z0-9_.%/-]+$", path);
            string[] names = path.Split('/');
            Assert.All(names, name => Assert.False(name.StartsWith('.')));
            string back = string.Join('/', names.Select((name, n) => FileNames.ToPart(name, isFolder: n < names.Length - 1)));
            Assert.Equal(key, back);
        }
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData(".obj", false)]
    [InlineData(".a.obj", false)]
    [InlineData("a%2.obj", false)]
    [InlineData("a%zz.obj", false)]
    [InlineData("a%61.obj", false)]
    [InlineData("a%2f.obj", false)]
    [InlineData("a b.obj", false)]
    [InlineData("a%FF.obj", false)]
    [InlineData(".tmp", true)]
    [InlineData("lost+found", true)]
    [InlineData("a.obj", true)]
    public void StrangersAreNoObjects(string name, bool isFolder) => Assert.Null(FileNames.ToPart(name, isFolder));

    [Fact]
    public void NamesTooLongForAFileSystemAreRefused()
    {
        Assert.Equal(255, FileNames.ToPath(new string('x', 251)).Length);
        Assert.Throws<ArgumentException>(() => FileNames.ToPath(new string('x', 252)));
        Assert.Throws<ArgumentException>(() => FileNames.ToPath(new string('é', 60) + "/x"));
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 7)).Select(_ => Pieces[random.Next(Pieces.Length)]));
}
