using System.Numerics;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;

namespace Puff.Engine.Tests.Queries;

/// <summary>The obvious evaluator: computes everything for every document, sorts everything, takes the first. The truth for the executor.</summary>
internal sealed class QueryModel(DistanceMetric metric, IEnumerable<FakeDocument> documents)
{
    private readonly FakeDocument[] documents = [.. documents];

    public IEnumerable<(DocumentId Id, float? Distance)> Nearest(string attribute, VectorOperand query) =>
        documents.Where(d => Vectors(d.Get(attribute)).Count > 0)
            .Select(d => (d.Id, Distance: Enumerable.Range(0, query.Data.Length / query.Dimensions)
                .Sum(q => Vectors(d.Get(attribute)).Min(v => Distance(query.Data.AsSpan(q * query.Dimensions, query.Dimensions), v)))))
            .OrderBy(r => r.Distance).ThenBy(r => r.Id).Select(r => (r.Id, (float?)r.Distance));

    public IEnumerable<FakeDocument> Ordered(IReadOnlyList<OrderKey> keys)
    {
        var sorted = documents.ToList();
        sorted.Sort((left, right) =>
        {
            foreach (var key in keys)
            {
                int order = Compare(ValueOf(left, key.Attribute), ValueOf(right, key.Attribute));
                if (order != 0)
                {
                    return key.Descending ? -order : order;
                }
            }

            return left.Id.CompareTo(right.Id);
        });
        return sorted;
    }

    /// <summary>At most so many of each group, in the order given.</summary>
    public IEnumerable<(DocumentId Id, float? Distance)> Diversified(IEnumerable<(DocumentId Id, float? Distance)> ranked, LimitPer per)
    {
        var byId = documents.ToDictionary(d => d.Id);
        var used = new Dictionary<string, int>();
        foreach (var row in ranked)
        {
            string group = string.Join("|", per.Attributes.Select(a => AggregationTests.Text(ValueOf(byId[row.Id], a))));
            used[group] = used.GetValueOrDefault(group) + 1;
            if (used[group] <= per.Limit)
            {
                yield return row;
            }
        }
    }

    public IEnumerable<(DocumentId Id, float? Distance)> Scored(ScoreExpression expression, Func<ScoreExpression, FakeDocument, bool> matches) =>
        documents.Select(d => (d.Id, Result: Score(expression, d, matches))).Where(r => r.Result is not null)
            .OrderByDescending(r => r.Result).ThenBy(r => r.Id).Select(r => (r.Id, (float?)r.Result));

    /// <summary>Keys and documents of each group, sorted.</summary>
    public IEnumerable<(Value[] Keys, FakeDocument[] Documents)> Groups(IReadOnlyList<GroupKey> keys)
    {
        var pairs = documents.SelectMany(d => Combinations(d, keys).Select(k => (Keys: k, Document: d)));
        return pairs.GroupBy(p => string.Join("|", p.Keys.Select(AggregationTests.Text))).Select(g => (g.First().Keys, g.Select(p => p.Document).ToArray()))
            .OrderBy(g => g.Keys, Comparer<Value[]>.Create((left, right) => left.Zip(right, Compare).FirstOrDefault(o => o != 0)));
    }

    /// <param name="zero">The sum of nothing.</param>
    public static Value Aggregate(Aggregation aggregation, IReadOnlyList<FakeDocument> documents, Value zero = default)
    {
        if (aggregation.Function == AggregateFunction.Count)
        {
            return Value.Int(documents.Count);
        }

        var values = documents.Select(d => ValueOf(d, aggregation.Attribute!)).Where(v => !v.IsNull).ToList();
        switch (aggregation.Function)
        {
            case AggregateFunction.Sum:
                return values.Count == 0 ? zero : values[0].Kind switch
                {
                    ValueKind.Int => Value.Int(values.Sum(v => v.AsInt)),
                    ValueKind.UInt => Value.UInt((ulong)values.Sum(v => (decimal)v.AsUInt)),
                    _ => Value.Float(values.Sum(v => v.AsFloat)),
                };
            case AggregateFunction.Avg:
                return values.Count == 0 ? Value.Null : Value.Float(Mean(values));
            case AggregateFunction.Min:
                return values.Count == 0 ? Value.Null : values.Aggregate((least, v) => Compare(v, least) < 0 ? v : least);
            case AggregateFunction.Max:
                return values.Count == 0 ? Value.Null : values.Aggregate((most, v) => Compare(v, most) > 0 ? v : most);
            default:
                var texts = values.SelectMany(v => v.IsArray ? v.AsBytesArray.Select(Value.Utf8) : [v]).Select(AggregationTests.Text);
                return Value.Int(texts.Distinct().Count());
        }
    }

    private static double Mean(List<Value> values)
    {
        if (values[0].Kind == ValueKind.Float)
        {
            return values.Sum(v => v.AsFloat) / values.Count;
        }

        var sum = values.Aggregate(BigInteger.Zero, (s, v) => s + (v.Kind == ValueKind.Int ? v.AsInt : v.AsUInt));
        var whole = BigInteger.DivRem(sum, values.Count, out var rest);
        return (double)(Int128)whole + (double)rest / values.Count;
    }

    public static int Compare(Value left, Value right)
    {
        if (left.IsNull || right.IsNull)
        {
            return right.IsNull.CompareTo(left.IsNull);
        }

        return left.Kind switch
        {
            ValueKind.Bool => left.AsBool.CompareTo(right.AsBool),
            ValueKind.Int => left.AsInt.CompareTo(right.AsInt),
            ValueKind.UInt => left.AsUInt.CompareTo(right.AsUInt),
            ValueKind.Float => left.AsFloat.CompareTo(right.AsFloat),
            ValueKind.DateTime => left.AsDateTime.CompareTo(right.AsDateTime),
            _ => left.AsBytes.AsSpan().SequenceCompareTo(right.AsBytes),
        };
    }

    /// <summary>Null when no part of the expression scores the document.</summary>
    private static double? Score(ScoreExpression expression, FakeDocument document, Func<ScoreExpression, FakeDocument, bool> matches)
    {
        double? Of(ScoreExpression part) => Score(part, document, matches);
        switch (expression)
        {
            case FilterScore:
                return matches(expression, document) ? 1 : null;
            case SparseScore sparse:
                var stored = document.Get(sparse.Attribute);
                double product = stored.IsNull ? 0 : sparse.Query.Keys.Select((k, i) => (double)sparse.Query.Weights[i] * WeightOf(stored.AsSparse, k)).Sum();
                return product == 0 ? null : product;
            case AttributeScore attribute:
                return Number(document.Get(attribute.Attribute)) ?? 0;
            case DistScore dist:
                return Number(document.Get(dist.Attribute)) is { } value ? Math.Abs(value - Number(dist.Origin)!.Value) : null;
            case SumScore sum:
                var scored = sum.Terms.Select(Of).Where(s => s is not null).ToArray();
                return scored.Length == 0 ? null : scored.Sum();
            case MaxScore max:
                var clauses = max.Terms.Where(t => t is not ConstantScore).Select(Of).ToArray();
                return clauses.All(c => c is null) ? null
                    : Math.Max(clauses.Max(c => c ?? 0), max.Terms.OfType<ConstantScore>().Select(c => c.Value).DefaultIfEmpty(double.MinValue).Max());
            case ProductScore { Weight: 0, Term: FilterScore or SparseScore }:
                return null;
            case ProductScore weighted:
                return weighted.Weight * Of(weighted.Term);
            case SaturateScore saturate:
                return Of(saturate.Term) is { } s
                    ? Raise(s, saturate.Exponent) / (Raise(s, saturate.Exponent) + Raise(saturate.Midpoint.Number, saturate.Exponent)) : null;
            case DecayScore decay:
                return Of(decay.Term) is { } t
                    ? Raise(decay.Midpoint.Number, decay.Exponent) / (Raise(t, decay.Exponent) + Raise(decay.Midpoint.Number, decay.Exponent)) : null;
            default:
                throw new ArgumentException($"the model knows no {expression.GetType().Name}");
        }
    }

    private static double Raise(double value, double exponent) => Math.Pow(Math.Max(value, 0), exponent);

    private static float WeightOf(SparseVector vector, byte[] key)
    {
        int index = Array.FindIndex(vector.Keys, k => k.AsSpan().SequenceEqual(key));
        return index < 0 ? 0 : vector.Weights[index];
    }

    private static double? Number(Value value) => value.Kind switch
    {
        ValueKind.Null => null,
        ValueKind.Int => value.AsInt,
        ValueKind.UInt => value.AsUInt,
        ValueKind.Float => value.AsFloat,
        ValueKind.DateTime => value.AsDateTime,
        _ => throw new ArgumentException($"a {value.Kind} is no number"),
    };

    private static Value ValueOf(FakeDocument document, string attribute) => attribute == "id" ? document.Id.ToValue() : document.Get(attribute);

    private static IEnumerable<Value[]> Combinations(FakeDocument document, IReadOnlyList<GroupKey> keys)
    {
        IEnumerable<Value[]> combinations = [[]];
        foreach (var key in keys)
        {
            var value = document.Get(key.Attribute);
            Value[] choices = !key.ForEachUnique || value.IsNull ? [value] : [.. value.AsBytesArray.Select(Value.Utf8).DistinctBy(v => v.AsString)];
            combinations = combinations.SelectMany(c => choices.Select(v => c.Append(v).ToArray()));
        }

        return combinations;
    }

    private static List<float[]> Vectors(Value value) => value.Kind switch
    {
        ValueKind.Null => [],
        ValueKind.VectorF32 => [value.AsVectorF32],
        ValueKind.VectorF16 => [Array.ConvertAll(value.AsVectorF16, e => (float)e)],
        ValueKind.VectorI8 => [Array.ConvertAll(value.AsVectorI8, e => (float)e)],
        _ => [.. value.AsMultiVector.Data.Chunk(value.AsMultiVector.Dimensions)],
    };

    private float Distance(ReadOnlySpan<float> left, float[] right)
    {
        double dot = 0, leftNorm = 0, rightNorm = 0;
        for (int i = 0; i < right.Length; i++)
        {
            dot += left[i] * right[i];
            leftNorm += left[i] * left[i];
            rightNorm += right[i] * right[i];
        }

        double cosine = leftNorm * rightNorm == 0 ? 0 : dot / Math.Sqrt(leftNorm * rightNorm);
        return (float)(metric == DistanceMetric.EuclideanSquared ? leftNorm - 2 * dot + rightNorm : Math.Clamp(1 - cosine, 0, 2));
    }
}
