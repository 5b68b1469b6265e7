using System.Numerics;
using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.TestKit.Queries;

/// <summary>A document as the evaluator sees it: absent attributes are null.</summary>
internal sealed record PlainDocument(ulong Id, IReadOnlyDictionary<string, Value> Values)
{
    public Value Get(string attribute) => attribute == "id" ? Value.UInt(Id) : Values.GetValueOrDefault(attribute);
}

/// <summary>
/// Answers queries by looking at every document, sorting everything and taking the first: written from the specification (turbopuffer-api section 4) and for
/// nobody's speed. <paramref name="documents"/> are all live ones; statistics of texts are taken over them, whatever a filter says.
/// </summary>
internal sealed class PlainEvaluator(IReadOnlyCollection<PlainDocument> documents)
{
    private readonly Dictionary<string, PlainText> texts = [];

    public IEnumerable<PlainDocument> Matching(Filter? filter) => documents.Where(d => filter is null || Matches(filter, d));

    public static bool Matches(Filter filter, PlainDocument document) => new PlainFilter(document.Get).Matches(filter);

    /// <summary>In order of the keys, equal ones by id.</summary>
    public IEnumerable<PlainDocument> Ordered(Filter? filter, IReadOnlyList<OrderKey> keys) =>
        Matching(filter).Order(Comparer<PlainDocument>.Create((left, right) =>
        {
            int order = keys.Select(k => (k.Descending ? -1 : 1) * PlainValues.Compare(left.Get(k.Attribute), right.Get(k.Attribute)))
                .FirstOrDefault(o => o != 0);
            return order != 0 ? order : left.Id.CompareTo(right.Id);
        }));

    /// <summary>Nearest first by the squared Euclidean distance; documents without a vector are left out.</summary>
    public IEnumerable<(PlainDocument Document, double Score)> Nearest(Filter? filter, string attribute, float[] query) =>
        Matching(filter).Where(d => !d.Get(attribute).IsNull)
            .Select(d => (Document: d, Score: d.Get(attribute).AsVectorF32.Zip(query, (a, b) => (double)(a - b) * (a - b)).Sum()))
            .OrderBy(r => r.Score).ThenBy(r => r.Document.Id);

    /// <summary>Highest first, equal ones by id; what no part of the expression scores is left out.</summary>
    public IEnumerable<(PlainDocument Document, double Score)> Scored(Filter? filter, ScoreExpression expression) =>
        Matching(filter).Select(d => (Document: d, Score: Score(expression, d))).Where(r => r.Score is not null).Select(r => (r.Document, r.Score!.Value))
            .OrderByDescending(r => r.Value).ThenBy(r => r.Document.Id);

    /// <summary>Of rows in rank order, at most so many of each combination of values.</summary>
    public static IEnumerable<T> Limited<T>(IEnumerable<T> ranked, Func<T, PlainDocument> documentOf, LimitPer per)
    {
        var used = new Dictionary<string, int>();
        foreach (var row in ranked)
        {
            string group = string.Join(' ', per.Attributes.Select(a => PlainValues.Text(documentOf(row).Get(a))));
            used[group] = used.GetValueOrDefault(group) + 1;
            if (used[group] <= per.Limit)
            {
                yield return row;
            }
        }
    }

    /// <summary>Keys of every group, sorted column by column, null first; a document is once in a group, whatever its array repeats.</summary>
    public IEnumerable<(Value[] Keys, List<PlainDocument> Documents)> Groups(Filter? filter, IReadOnlyList<GroupKey> keys)
    {
        var groups = new Dictionary<string, (Value[] Keys, List<PlainDocument> Documents)>();
        foreach (var document in Matching(filter))
        {
            IEnumerable<Value[]> combinations = [[]];
            foreach (var key in keys)
            {
                var value = document.Get(key.Attribute);
                Value[] choices = key.ForEachUnique && !value.IsNull ? [.. PlainValues.Elements(value).DistinctBy(PlainValues.Text)] : [value];
                combinations = [.. combinations.SelectMany(c => choices.Select(v => c.Append(v).ToArray()))];
            }

            foreach (var combination in combinations)
            {
                string text = string.Join(' ', combination.Select(PlainValues.Text));
                groups.TryAdd(text, (combination, []));
                groups[text].Documents.Add(document);
            }
        }

        return groups.Values.OrderBy(g => g.Keys, Comparer<Value[]>.Create((l, r) => l.Zip(r, PlainValues.Compare).FirstOrDefault(o => o != 0)));
    }

    /// <param name="aggregation">A function of an attribute.</param>
    /// <param name="kind">The attribute's type.</param>
    /// <param name="group">The documents to aggregate.</param>
    public static Value Aggregate(Aggregation aggregation, TypeKind kind, IReadOnlyCollection<PlainDocument> group)
    {
        if (aggregation.Function == AggregateFunction.Count)
        {
            return Value.Int(group.Count);
        }

        var values = group.Select(d => d.Get(aggregation.Attribute!)).Where(v => !v.IsNull).ToList();
        switch (aggregation.Function)
        {
            case AggregateFunction.CountDistinct:
                return Value.Int(values.SelectMany(v => v.IsArray ? PlainValues.Elements(v) : [v]).Select(PlainValues.Text).Distinct().Count());
            case AggregateFunction.Sum when kind == TypeKind.Float:
                return Value.Float(values.Sum(v => v.AsFloat));
            case AggregateFunction.Sum:
                var sum = Total(values);
                return kind == TypeKind.UInt ? Value.UInt((ulong)sum) : Value.Int((long)sum);
            case var _ when values.Count == 0:
                return Value.Null;
            case AggregateFunction.Avg:
                return Value.Float(kind == TypeKind.Float ? values.Average(v => v.AsFloat) : (double)(decimal)Total(values) / values.Count);
            case AggregateFunction.Min:
                return values.OrderBy(v => v, Comparer<Value>.Create(PlainValues.Compare)).First();
            default:
                return values.OrderBy(v => v, Comparer<Value>.Create(PlainValues.Compare)).Last();
        }
    }

    private static BigInteger Total(List<Value> values) => values.Aggregate(BigInteger.Zero, (s, v) => s + (v.Kind == ValueKind.Int ? v.AsInt : v.AsUInt));

    /// <summary>Null when no part of the expression scores the document (turbopuffer-api 4.2, "which rows appear").</summary>
    private double? Score(ScoreExpression expression, PlainDocument document)
    {
        switch (expression)
        {
            case FilterScore filter:
                return Matches(filter.Filter, document) ? 1 : null;
            case Bm25Score text:
                double bm25 = TextOf(text.Attribute).Score(
                    document.Get(text.Attribute), text.Tokens ?? PlainText.Tokens(Value.String(text.Text!)), text.LastAsPrefix);
                return bm25 == 0 ? null : bm25;
            case SparseScore sparse:
                var stored = document.Get(sparse.Attribute);
                double product = stored.IsNull ? 0 : sparse.Query.Keys.Select((k, i) => (double)sparse.Query.Weights[i] * WeightOf(stored.AsSparse, k)).Sum();
                return product == 0 ? null : product;
            case AttributeScore attribute:
                return PlainValues.Number(document.Get(attribute.Attribute)) ?? 0;
            case DistScore dist:
                return PlainValues.Number(document.Get(dist.Attribute)) is { } value ? Math.Abs(value - PlainValues.Number(dist.Origin)!.Value) : null;
            case ProductScore weighted:
                return weighted.Weight * Score(weighted.Term, document);
            case SumScore sum:
                var parts = sum.Terms.Select(t => Score(t, document)).Where(s => s is not null).ToArray();
                return parts.Length == 0 ? null : parts.Sum();
            case MaxScore max:
                // A floor counts only where something else scores; of clauses that do not score, the value is 0.
                var clauses = max.Terms.Where(t => t is not ConstantScore).Select(t => Score(t, document)).ToArray();
                return clauses.All(c => c is null) ? null : clauses.Select(c => c ?? 0).Concat(max.Terms.OfType<ConstantScore>().Select(c => c.Value)).Max();
            case SaturateScore saturate:
                return Score(saturate.Term, document) is { } s ? Share(s, saturate.Midpoint.Number, saturate.Exponent) : null;
            case DecayScore decay:
                return Score(decay.Term, document) is { } d ? 1 - Share(d, decay.Midpoint.Number, decay.Exponent) : null;
            default:
                throw new NotSupportedException(expression.GetType().Name);
        }
    }

    private static double Share(double value, double midpoint, double exponent)
    {
        double raised = Math.Pow(Math.Max(value, 0), exponent);
        return raised / (raised + Math.Pow(midpoint, exponent));
    }

    private static float WeightOf(SparseVector vector, byte[] key)
    {
        int index = Array.FindIndex(vector.Keys, k => k.AsSpan().SequenceEqual(key));
        return index < 0 ? 0 : vector.Weights[index];
    }

    private PlainText TextOf(string attribute)
    {
        if (!texts.TryGetValue(attribute, out var text))
        {
            texts.Add(attribute, text = new PlainText(documents.Select(d => d.Get(attribute))));
        }

        return text;
    }
}
