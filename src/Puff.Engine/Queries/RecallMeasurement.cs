using System.Numerics;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>Compares the answers of ANN with those of an exhaustive search, both as queries get them.</summary>
internal static class RecallMeasurement
{
    /// <summary>
    /// The share of the nearest documents that ANN finds, averaged over stored vectors drawn by chance (without repeats) or for the one given ranking. Without
    /// anything to find the recall is 1.
    /// </summary>
    /// <exception cref="PuffException">Invalid: no vector attribute, or a number out of its range.</exception>
    /// <param name="snapshot">What is searched.</param>
    /// <param name="request">What to measure.</param>
    /// <param name="random">Draws the vectors.</param>
    /// <param name="byCodes">
    /// The exhaustive search compares all codes, and measures what may be among the nearest by them: a seventh of the bytes, and wrong about one in thousands.
    /// </param>
    /// <param name="cancellation">Stops between steps.</param>
    public static RecallResult Run(NamespaceSnapshot snapshot, RecallRequest request, Random random, bool byCodes, CancellationToken cancellation)
    {
        int topK = QueryBinder.RequireLimit(request.TopK);
        if (request.Samples is < 1 or > QueryBinder.MaxRows)
        {
            throw PuffException.Invalid($"num is {request.Samples}; it must be between 1 and {QueryBinder.MaxRows}");
        }

        var attribute = VectorAttribute(snapshot.Schema, request);
        using var query = new BoundQuery
        {
            Schema = snapshot.Schema,
            Filter = request.Filters is null ? null : FilterBinder.Bind(request.Filters, snapshot.Schema, allowRefNew: false, TokenPredicates.Instance),
            Limit = topK,
            Selected = [attribute],
        };
        var run = new QueryRun(snapshot, query, cancellation);
        var operands = request.RankBy is { } rank ? [rank.Vector] : SampleVectors(snapshot, attribute, request.Samples, random);
        var totals = new Totals(request.IncludeGroundTruth);
        foreach (var operand in operands)
        {
            Measure(run, new VectorRank(attribute.Name, operand, Exact: false), byCodes, totals);
        }

        GC.KeepAlive(run);
        return totals.Result();
    }

    private static AttributeDefinition VectorAttribute(NamespaceSchema schema, RecallRequest request) =>
        request.RankBy is { } rank ? QueryBinder.Find(schema, rank.Attribute, "rank_by")
            : schema.DenseVectors.FirstOrDefault() ?? throw PuffException.Invalid("the namespace has no vector attribute, so there is no recall to measure");

    private static void Measure(QueryRun run, VectorRank rank, bool byCodes, Totals totals)
    {
        var ann = VectorBinder.Bind(run.Query.Schema, rank);
        using var query = ann.Query;
        var found = NearestNeighbors.Run(run, ann, run.Query.Limit);
        var truth = NearestNeighbors.Run(run, byCodes ? ann with { IsThorough = true } : ann with { Exact = true }, run.Query.Limit);
        var known = found.Select(d => (d.Set, d.Document)).ToHashSet();
        int hits = truth.Count(d => known.Contains((d.Set, d.Document)));
        totals.Add(truth.Length == 0 ? 1 : (double)hits / truth.Length, truth.Length, found.Length);
        totals.GroundTruth?.Add(new RecallSample(rank.Vector.Data, Rows(run, ann, truth)));
    }

    private static ResultRow[] Rows(QueryRun run, BoundVectorRank rank, RankedDocument[] truth)
    {
        var rows = new RowAssembler(run).Assemble(truth);
        return rows.Zip(truth, (row, ranked) => row with { Distance = (float)ranked.Key }).ToArray();
    }

    private static List<VectorOperand> SampleVectors(NamespaceSnapshot snapshot, AttributeDefinition attribute, int count, Random random)
    {
        var operands = new List<VectorOperand>();
        int live = snapshot.Sets.Sum(s => s.Live.PopCount());
        var ordinals = SampleOrdinals(live, count, random);
        int first = 0;
        foreach (var set in snapshot.Sets)
        {
            int size = set.Live.PopCount();
            foreach (int ordinal in size == 0 ? [] : ordinals.GetViewBetween(first, first + size - 1))
            {
                var value = set.GetValue(DocumentAt(set, ordinal - first), attribute);
                if (!value.IsNull)
                {
                    float[] data = Widen(value);
                    operands.Add(new VectorOperand(data, data.Length, IsMulti: false));
                }
            }

            first += size;
        }

        return operands;
    }

    /// <summary>So many different numbers below <paramref name="total"/>, or all of them.</summary>
    private static SortedSet<int> SampleOrdinals(int total, int count, Random random)
    {
        if (count >= total)
        {
            return [.. Enumerable.Range(0, total)];
        }

        // Floyd's method (Bentley, "Programming pearls: a sample of brilliance", CACM 1987): one draw for each number.
        var ordinals = new SortedSet<int>();
        for (int upper = total - count; upper < total; upper++)
        {
            int drawn = random.Next(upper + 1);
            ordinals.Add(ordinals.Contains(drawn) ? upper : drawn);
        }

        return ordinals;
    }

    /// <summary>The live document with so many live ones before it.</summary>
    private static int DocumentAt(DocumentSet set, int ordinal)
    {
        var words = set.Live.Words;
        int word = 0;
        for (int ones = BitOperations.PopCount(words[0]); ones <= ordinal; ones = BitOperations.PopCount(words[word]))
        {
            ordinal -= ones;
            word++;
        }

        int document = set.Live.NextSet(word * 64);
        for (; ordinal > 0; ordinal--)
        {
            document = set.Live.NextSet(document + 1);
        }

        return document;
    }

    private static float[] Widen(Value vector) => vector.Kind switch
    {
        ValueKind.VectorF16 => Array.ConvertAll(vector.AsVectorF16, e => (float)e),
        ValueKind.VectorI8 => Array.ConvertAll(vector.AsVectorI8, e => (float)e),
        _ => vector.AsVectorF32,
    };

    private sealed class Totals(bool keepsGroundTruth)
    {
        private int samples;
        private double recall;
        private long exhaustive;
        private long ann;

        public List<RecallSample>? GroundTruth { get; } = keepsGroundTruth ? [] : null;

        public void Add(double sampleRecall, int exhaustiveCount, int annCount)
        {
            samples++;
            recall += sampleRecall;
            exhaustive += exhaustiveCount;
            ann += annCount;
        }

        public RecallResult Result() => samples == 0 ? new RecallResult(1, 0, 0, GroundTruth)
            : new RecallResult(recall / samples, (double)exhaustive / samples, (double)ann / samples, GroundTruth);
    }
}
