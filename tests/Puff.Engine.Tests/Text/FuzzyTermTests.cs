using Puff.Engine.Text;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Text;

public sealed class FuzzyTermTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void Distances_equal_those_of_the_whole_table(int distance, bool sorted)
    {
        var random = new Xorshift(distance);
        for (int round = 0; round < 60; round++)
        {
            string query = Word(random);
            var fuzzy = new FuzzyTerm(Bytes(query), distance);
            string[] words = [.. Enumerable.Range(0, 200).Select(_ => Word(random))];
            foreach (string word in sorted ? words.OrderBy(w => w, StringComparer.Ordinal) : words.AsEnumerable())
            {
                int expected = Levenshtein(query, word);
                Assert.Equal(expected <= distance ? expected : -1, fuzzy.DistanceTo(Bytes(word)));
            }
        }
    }

    [Theory]
    [InlineData("ab", 2, 0)]
    [InlineData("añö", 2, 1)]
    [InlineData("abcde", 2, 1)]
    [InlineData("abcdef", 2, 2)]
    [InlineData("abcdef", 1, 1)]
    public void Short_tokens_have_fewer_edits(string token, int largest, int expected) => Assert.Equal(expected, FuzzyTerm.DistanceFor(Bytes(token), largest));

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Word(Xorshift random) => string.Concat(Enumerable.Range(0, 1 + random.Next(7)).Select(_ => "abé日"[random.Next(4)]));

    private static int Levenshtein(string left, string right)
    {
        var table = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                table[i, j] = i == 0 || j == 0 ? i + j : Math.Min(
                    Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1));
            }
        }

        return table[left.Length, right.Length];
    }
}
