using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Formats;
using Puff.Engine.Text;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Text;

/// <summary>Searches through posting lists of many windows find all that belongs to the best documents, and not much more.</summary>
public sealed class TextSearchTests
{
    private const int Documents = 60_000;

    private static readonly Lazy<EncodedText> Encoded = new(() => new EncodedText(TextSamples.Attribute, TextSamples.Documents(Documents, 11, 2_000, 24)));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 1)]
    [InlineData(100, 1)]
    [InlineData(3_000, 1)]
    [InlineData(10, 2)]
    [InlineData(10, 40)]
    [InlineData(10, 3_000)]
    public void Nothing_is_missing(int wanted, int everyNth)
    {
        var index = Encoded.Value.Index;
        var random = new Xorshift(wanted + everyNth);
        var matches = Matches(random, everyNth);
        for (int round = 0; round < 12; round++)
        {
            var query = TextQuery.Of(Enumerable.Range(0, 1 + round % 6).Select(_ => Word(random)), lastAsPrefix: false);
            double[] scores = Scores(index, query, out var terms);
            double[] best = [.. Enumerable.Range(0, Documents).Where(d => matches[d] && scores[d] > 0).Select(d => scores[d]).OrderDescending()];
            double worst = best.Length == 0 ? double.PositiveInfinity : best[Math.Min(wanted, best.Length) - 1];
            var counters = new TextCounters();
            int[] found = TextSearch.Run(new TextLists(terms, [], null), matches, everyNth == 1, wanted, double.NegativeInfinity, counters, CancellationToken.None);
            string what = $"{query}: {best.Length} match";
            Assert.True(found.AsSpan().SequenceEqual(found.Distinct().Order().ToArray()), what);
            Assert.True(found.All(d => matches[d] && scores[d] > 0), what);
            Assert.Empty(Enumerable.Range(0, Documents).Where(d => matches[d] && scores[d] >= worst).Except(found));

            // Sums in single precision are off by a share of what all terms give at most, however low the scores are that decide: so much is found in addition.
            double margin = 3 * (terms.Count + 16) * Math.ScaleB(terms.Sum(t => t.Weight), -23);
            Assert.True(found.Length <= best.Count(s => s >= worst - margin), $"{what}, {found.Length} found for {wanted}");

            // The same through windows: as lists of other kinds are searched.
            int[] inWindows = TextSearch.RunInWindows(
                new TextLists(terms, [], null), matches, everyNth == 1, wanted, double.NegativeInfinity, counters, CancellationToken.None);
            Assert.True(inWindows.All(d => matches[d] && scores[d] > 0), what);
            Assert.Empty(Enumerable.Range(0, Documents).Where(d => matches[d] && scores[d] >= worst).Except(inWindows));
            Assert.True(inWindows.Length <= best.Count(s => s >= worst - margin), $"{what}, {inWindows.Length} found for {wanted}");

            // What is not better than what is known already is left out.
            int[] better = TextSearch.Run(new TextLists(terms, [], null), matches, everyNth == 1, wanted, worst, counters, CancellationToken.None);
            Assert.Empty(Enumerable.Range(0, Documents).Where(d => matches[d] && scores[d] >= worst).Except(better));
            Assert.True(better.Length <= best.Count(s => s >= worst - margin), $"{what}, {better.Length} found");
        }
    }

    private static BitSet Matches(Xorshift random, int everyNth)
    {
        var matches = new BitSet(Documents);
        for (int document = 0; document < Documents; document++)
        {
            matches[document] = random.Next(everyNth) == 0;
        }

        return matches;
    }

    private static byte[] Word(Xorshift random)
    {
        int word = random.Next(3) == 0 ? random.Next(2_000) : random.Next(60);
        return System.Text.Encoding.UTF8.GetBytes($"w{word}");
    }

    private static double[] Scores(TextIndex index, TextQuery query, out List<SearchTerm> terms)
    {
        var formula = new Bm25(new FullTextSettings(), index.Totals.Documents, index.Totals.Length);
        PostingList?[] lists = [.. query.Terms.Select(t => index.Find(t.Bytes))];
        double[] weights = [.. query.Terms.Select((t, i) => lists[i] is { } list ? formula.Weight(list.Documents, t.Count) : 0)];
        using var scorer = new TextScorer(index, formula, lists, weights, null);
        double[] scores = new double[Documents];
        scorer.Score([.. Enumerable.Range(0, Documents)], scores);
        var field = new TextField(index, formula);
        terms = [.. lists.Select((l, i) => (List: l, Weight: weights[i])).Where(t => t.List is not null).Select(t => new SearchTerm(field, t.List!, t.Weight))];
        return scores;
    }
}
