using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.TestKit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Random documents spread over several sets, from a seed. Values come from small ranges, so that ties, nulls and equal groups are common; vector elements are
/// small integers, so that distances are exact and a model may be compared bit by bit.
/// </summary>
internal sealed class RandomNamespace : IDisposable
{
    private static readonly string[] Words = ["", "a", "b", "ab", "a\0b", "common prefix 1", "common prefix 2", "common prefix 22", "é", "zzz"];

    private readonly Random random;
    private readonly IdKind idKind;

    public RandomNamespace(int seed)
    {
        random = new Random(seed);
        idKind = (IdKind)(1 + random.Next(3));
        Metric = random.Next(2) == 0 ? DistanceMetric.CosineDistance : DistanceMetric.EuclideanSquared;
        (string Name, TypeKind Kind, int Dimensions)[] attributes =
        [
            ("v", TypeKind.VectorF32, 3), ("w", random.Next(2) == 0 ? TypeKind.VectorF16 : TypeKind.VectorI8, 2), ("i", TypeKind.Int, 0),
            ("u", TypeKind.UInt, 0), ("f", TypeKind.Float, 0), ("s", TypeKind.String, 0), ("b", TypeKind.Bool, 0),
            ("t", TypeKind.DateTime, 0), ("g", TypeKind.Uuid, 0),
            ("tags", TypeKind.StringArray, 0), ("words", TypeKind.SparseF16, 0), ("parts", TypeKind.MultiVectorF32, 2),
        ];
        Space = new QueryFixture(new NamespaceSchema(idKind, Metric, attributes.Select((a, i) => QueryFixture.Attribute(i + 1, a.Name, a.Kind, a.Dimensions))));
        AddSets();
    }

    public DistanceMetric Metric { get; }

    public QueryFixture Space { get; }

    public Random Random => random;

    /// <summary>A filter and, beside it, the obvious test it stands for.</summary>
    public (Filter? Filter, Func<FakeDocument, bool> Matches) NextFilter()
    {
        int operand = random.Next(-2, 3);
        string word = Words[random.Next(Words.Length)];
        return random.Next(6) switch
        {
            0 => (QueryFixture.Where("i", FilterOperator.Eq, Value.Int(operand)), d => !d.Get("i").IsNull && d.Get("i").AsInt == operand),
            1 => (QueryFixture.Where("i", FilterOperator.Gte, Value.Int(operand)), d => !d.Get("i").IsNull && d.Get("i").AsInt >= operand),
            2 => (QueryFixture.Where("s", FilterOperator.NotEq, Value.String(word)), d => d.Get("s").IsNull || d.Get("s").AsString != word),
            3 => (new AndFilter([
                    QueryFixture.Where("b", FilterOperator.Eq, Value.Bool(true)), new NotFilter(QueryFixture.Where("i", FilterOperator.Eq, Value.Null))]),
                d => !d.Get("b").IsNull && d.Get("b").AsBool && !d.Get("i").IsNull),
            4 => (QueryFixture.Where("tags", FilterOperator.Contains, Value.String(word)),
                d => !d.Get("tags").IsNull && d.Get("tags").AsBytesArray.Any(t => Value.Utf8(t).AsString == word)),
            _ => (null, _ => true),
        };
    }

    /// <summary>As <see cref="NextVector"/>, but not zero, which no query vector may be under cosine distance.</summary>
    public float[] NextQueryVector(int dimensions)
    {
        var vector = NextVector(dimensions);
        return vector.All(e => e == 0) ? NextQueryVector(dimensions) : vector;
    }

    public float[] NextVector(int dimensions)
    {
        var vector = new float[dimensions];
        for (int i = 0; i < dimensions; i++)
        {
            vector[i] = random.Next(-2, 3);
        }

        return vector;
    }

    public Value NextSparse()
    {
        string[] keys = [.. Enumerable.Range(0, 6).Where(_ => random.Next(2) == 0).Select(k => $"k{k}")];
        return VectorQueryTests.Sparse([.. keys.Select(k => (k, (float)random.Next(-1, 4)))]);
    }

    public void Dispose() => Space.Dispose();

    private void AddSets()
    {
        int total = random.Next(200);
        var ids = Enumerable.Range(0, total).Select(NextId).ToArray();
        random.Shuffle(ids);
        int sets = 1 + random.Next(4);
        for (int set = 0; set < sets; set++)
        {
            int first = total * set / sets, end = total * (set + 1) / sets;
            var documents = ids[first..end].Select(NextDocument).ToArray();
            int[] dead = [.. Enumerable.Range(0, documents.Length).Where(_ => random.Next(5) == 0)];
            Space.Add(documents, isTail: random.Next(2) == 0, dead, blockRows: 1 + random.Next(100));
        }
    }

    private DocumentId NextId(int number)
    {
        switch (idKind)
        {
            case IdKind.UInt:
                return DocumentId.FromUInt((ulong)number * 1_000_003);
            case IdKind.Uuid:
                var bytes = new byte[16];
                random.NextBytes(bytes);
                bytes.AsSpan(0, 9).Clear();
                return DocumentId.FromUuid(bytes);
            default:
                return DocumentId.FromString($"document {number}");
        }
    }

    private FakeDocument NextDocument(DocumentId id)
    {
        var values = new Dictionary<string, Value> { ["v"] = Value.Vector(NextVector(3)), ["w"] = NextNarrowVector() };
        void Add(string name, Func<Value> next)
        {
            if (random.Next(4) > 0)
            {
                values[name] = next();
            }
        }

        Add("i", () => Value.Int(random.Next(-3, 4)));
        Add("u", () => Value.UInt(random.Next(8) == 0 ? ulong.MaxValue / 1_000 : (ulong)random.Next(4)));
        Add("f", () => Value.Float(random.Next(-4, 5) / 4.0));
        Add("s", () => Value.String(Words[random.Next(Words.Length)]));
        Add("b", () => Value.Bool(random.Next(2) == 0));
        Add("t", () => Value.DateTime(random.Next(-3, 4)));
        Add("g", () => Value.Uuid([.. Enumerable.Range(0, 16).Select(_ => (byte)(random.Next(2) * 255))]));
        Add("tags", () => AggregationTests.Tags([.. Enumerable.Range(0, random.Next(4)).Select(_ => Words[random.Next(Words.Length)])]));
        Add("words", NextSparse);
        Add("parts", () => Value.MultiVector(new MultiVector(2, NextVector(2 * random.Next(4)))));
        return new FakeDocument(id, values);
    }

    private Value NextNarrowVector()
    {
        float[] vector = NextVector(2);
        return Space.Schema.Find("w")!.Type.Kind == TypeKind.VectorF16
            ? Value.Vector(Array.ConvertAll(vector, e => (Half)e)) : Value.Vector(Array.ConvertAll(vector, e => (sbyte)e));
    }
}
