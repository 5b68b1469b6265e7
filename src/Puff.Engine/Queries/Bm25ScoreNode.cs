using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>
/// BM25 of a query on one attribute (turbopuffer-api 6.5); documents with score 0 are not scored. The corpus are the live documents of all sets, whatever the
/// filter is. Without <see cref="Prepare"/> there is no corpus: that is how compute_attributes wants it.
/// </summary>
/// <param name="fuzziness">0 to <see cref="LargestFuzziness"/>: before a ranking, terms of the dictionaries join that are nearly the query's.</param>
internal sealed class Bm25ScoreNode(AttributeDefinition attribute, TextQuery query, int fuzziness = 0) : ScoreNode
{
    public const int LargestFuzziness = 2;

    /// <summary>Terms that one of the query may be joined by: the nearest, then the most frequent ones.</summary>
    private const int MostJoining = 50;

    private TextQuery query = query;
    private readonly Dictionary<DocumentSet, OpenText> opened = [];
    private Bm25 formula = Bm25.WithoutCorpus(attribute.FullText!);
    private double[]? weights;
    private CancellationToken cancelled;

    public override bool IsAttributeDerived => false;

    public AttributeDefinition Attribute => attribute;

    public TextQuery Query => query;

    /// <summary>Documents with a text and their mean length, of all sets; after <see cref="Prepare"/>.</summary>
    public (long Documents, long Length) Corpus { get; private set; }

    /// <summary>Live documents with each term; after <see cref="Prepare"/>.</summary>
    public long[] Frequencies { get; private set; } = [];

    /// <summary>What each term is multiplied with.</summary>
    public double[] Weights => weights ??= [.. query.Terms.Select(t => formula.Weight(0, t.Count))];

    public Bm25 Formula => formula;

    /// <summary>A saturated frequency stays below 1.</summary>
    public override double LargestScore => Weights.Sum() + (query.Prefix is null ? 0 : 1);

    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation)
    {
        cancelled = cancellation;
        if (fuzziness > 0 && query.Terms.All(t => t.NearlyOf < 0))
        {
            query = query.With([.. Enumerable.Range(0, query.Terms.Count).SelectMany(t => FindNearly(snapshot, t, cancellation))]);
        }

        PlanFound(snapshot, reads);
        long documents = 0, length = 0;
        long[] frequencies = new long[query.Terms.Count];
        foreach (var set in snapshot.Sets)
        {
            var open = Find(set);
            documents += open.Text.Documents;
            length += open.Text.Length;
            for (int term = 0; term < frequencies.Length; term++)
            {
                frequencies[term] += open.Lists[term] is { } list ? Read(open, () => open.Text.FrequencyOf(query.Terms[term], list)) : 0;
            }
        }

        Corpus = (documents, length);
        Frequencies = frequencies;
        formula = new Bm25(attribute.FullText!, documents, length);
        weights = [.. query.Terms.Select((t, i) => formula.Weight(FrequencyForWeight(i), t.Count) * t.Discount)];
    }

    public override void Plan(DocumentSet set, IReadBatch batch)
    {
        var source = set.GetText(attribute).Source;
        source.Plan(query, batch);
        source.PlanLengths(batch);
        if (fuzziness > 0)
        {
            // Nearly the same words may stand anywhere in a dictionary.
            source.PlanTerms(batch);
        }
    }

    /// <summary>What only the dictionaries say: the lists of terms that joined, and of those with a prefix. In one step for all sets.</summary>
    private void PlanFound(NamespaceSnapshot snapshot, IReadBatch? reads)
    {
        foreach (var set in snapshot.Sets.Where(s => reads is not null && s.IsDemandLoaded && !opened.ContainsKey(s)))
        {
            var source = set.GetText(attribute).Source;
            source.Plan(query, reads!);
            if (query.Prefix is { } prefix)
            {
                source.PlanPrefixLists(prefix, reads!);
            }
        }

        reads?.Run();
    }

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => OpenRows(view.Set);

    public override ScoreReader OpenRows(DocumentSet set)
    {
        var open = Find(set);
        return new Reader(open, new TextScorer(open.Text.Source.Index, formula, open.Lists, Weights, open.Prefix));
    }

    /// <summary>The lists of the query's terms in a set.</summary>
    public OpenText Find(DocumentSet set)
    {
        if (!opened.TryGetValue(set, out var open))
        {
            opened.Add(set, open = OpenText.Create(set.GetText(attribute), query, cancelled));
        }

        return open;
    }

    /// <summary>Nearly the same words count as one: what is rare only because it is misspelt gets no higher weight than the rest.</summary>
    private long FrequencyForWeight(int term)
    {
        int origin = query.Terms[term].NearlyOf < 0 ? term : query.Terms[term].NearlyOf;
        return Frequencies.Where((_, i) => i == origin || query.Terms[i].NearlyOf == origin).Max();
    }

    private IEnumerable<QueryTerm> FindNearly(NamespaceSnapshot snapshot, int origin, CancellationToken cancellation)
    {
        var term = query.Terms[origin];
        int distance = FuzzyTerm.DistanceFor(term.Bytes, fuzziness);
        if (distance == 0)
        {
            return [];
        }

        var matches = new List<FuzzyMatch>();
        foreach (var set in snapshot.Sets)
        {
            var source = set.GetText(attribute).Source;
            var fuzzy = new FuzzyTerm(term.Bytes, distance);
            try
            {
                source.Index.ForEachTerm((bytes, documents) =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (fuzzy.DistanceTo(bytes) is var edits and > 0)
                    {
                        matches.Add(new FuzzyMatch(bytes.ToArray(), edits, documents));
                    }
                });
            }
            catch (CorruptDataException damage)
            {
                throw source.Damaged(damage);
            }
        }

        double characters = FuzzyTerm.CharactersOf(term.Bytes).Count;
        return matches.GroupBy(m => System.Text.Encoding.Latin1.GetString(m.Bytes), StringComparer.Ordinal)
            .Select(g => (g.First().Bytes, g.First().Distance, Documents: g.Sum(m => (long)m.Documents), g.Key))
            .Where(m => !query.Terms.Any(t => t.Bytes.AsSpan().SequenceEqual(m.Bytes)))
            .OrderBy(m => m.Distance).ThenByDescending(m => m.Documents).ThenBy(m => m.Key, StringComparer.Ordinal).Take(MostJoining)
            .Select(m => new QueryTerm(m.Bytes, term.Count) { NearlyOf = origin, Discount = 1 - m.Distance / characters });
    }

    private static T Read<T>(OpenText open, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CorruptDataException damage)
        {
            throw open.Text.Source.Damaged(damage);
        }
    }

    private sealed class Reader(OpenText open, TextScorer scorer) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            try
            {
                scorer.Score(documents, scores);
            }
            catch (CorruptDataException damage)
            {
                throw open.Text.Source.Damaged(damage);
            }

            for (int i = 0; i < documents.Length; i++)
            {
                scored[i] = scores[i] != 0;
            }
        }
    }
}

/// <summary>The text of a set with the lists of a query's terms.</summary>
/// <param name="Text">The text.</param>
/// <param name="Lists">Of each term; null when the set lacks it.</param>
/// <param name="Prefix">Documents with a term that begins as the query ends; null without such an end.</param>
internal sealed record OpenText(LiveText Text, PostingList?[] Lists, BitSet? Prefix)
{
    public static OpenText Create(LiveText text, TextQuery query, CancellationToken cancellation)
    {
        try
        {
            var index = text.Source.Index;
            PostingList?[] lists = [.. query.Terms.Select(t => index.Find(t.Bytes))];
            if (query.Prefix is null)
            {
                return new OpenText(text, lists, null);
            }

            var prefixed = new List<PostingList>();
            index.FindPrefix(query.Prefix, prefixed);
            return new OpenText(text, lists, TextScorer.Union(prefixed, index.Documents, cancellation));
        }
        catch (CorruptDataException damage)
        {
            throw text.Source.Damaged(damage);
        }
    }
}
