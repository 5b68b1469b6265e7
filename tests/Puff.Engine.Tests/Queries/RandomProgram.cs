using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit.Queries;
using Puff.TestKit.Segments;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Draws writes and queries over a schema with every attribute type, from a seed, and keeps what the writes leave. Values come from small sets, so that ties,
/// nulls, empty arrays and equal groups are common; floats are quarters and vectors whole numbers, so that sums are exact.
/// </summary>
internal sealed class RandomProgram(int seed)
{
    public const int Ids = 220;

    private static readonly TypeKind[] ScalarKinds =
        [TypeKind.String, TypeKind.Int, TypeKind.UInt, TypeKind.Float, TypeKind.Bool, TypeKind.Uuid, TypeKind.DateTime];

    private static readonly string[] Words = ["alpha", "beta", "gamma", "delta", "gamut", "alphabet", "omega", "eta"];
    private static readonly string[] Names = ["", "a", "ab", "abc", "b/ab", "Abc", "ba", "turbopuffer", "turbo puffin", "TURBOPUFFER inc", "zzz"];

    private readonly Xorshift random = new(seed);

    public static SchemaUpdate Schema { get; } = new(
    [
        .. ScalarKinds.SelectMany(k => new[] { k, ArrayOf(k) }).Select(k => new AttributeUpdate(Name(k))
        {
            Type = new AttributeType(k).ToString(), Filterable = true,
            Glob = IsText(k) ? true : null, Regex = IsText(k) ? true : null, Fuzzy = IsText(k) ? true : null,
        }),
        new("body") { Type = "string", FullText = new FullTextUpdate(true) },
        new("parts") { Type = "[]string", FullText = new FullTextUpdate(true) },
        new("sparse") { Type = "{}f16", SparseKnn = true },
        new("vector") { Type = "[3]f32", Ann = true },
    ]);

    /// <summary>What the writes left.</summary>
    public Dictionary<ulong, PlainDocument> Documents { get; } = [];

    public static TypeKind KindOf(string? attribute) => attribute is null or "id" ? TypeKind.UInt : Enum.Parse<TypeKind>(attribute[1..]);

    public int Next(int bound) => random.Next(bound);

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    /// <summary>Upserts, patches and deletes, or one of them by a filter; applied to <see cref="Documents"/>.</summary>
    public WriteRequest NextWrite()
    {
        if (Documents.Count > 100 && random.Next(4) == 0)
        {
            return NextWriteByFilter();
        }

        var taken = new HashSet<ulong>();
        var upserts = new List<DocumentRow>();
        var patches = new List<DocumentRow>();
        var deletes = new List<Value>();
        for (int i = 20 + random.Next(60); i > 0; i--)
        {
            ulong id = (ulong)random.Next(Ids);
            if (taken.Add(id))
            {
                var values = NextValues();
                Documents[id] = new PlainDocument(id, values);
                upserts.Add(new DocumentRow(Value.UInt(id), [.. values]));
            }
        }

        for (int i = random.Next(25); i > 0; i--)
        {
            ulong id = (ulong)random.Next(Ids);
            if (!taken.Add(id))
            {
                continue;
            }

            if (random.Next(2) == 0)
            {
                Documents.Remove(id);
                deletes.Add(Value.UInt(id));
                continue;
            }

            var patch = NextValues().Where(v => v.Key != "vector").Take(3).ToDictionary(v => v.Key, v => v.Value);
            patches.Add(new DocumentRow(Value.UInt(id), [.. patch]));
            Patch(id, patch);
        }

        return new WriteRequest { Schema = Schema, DistanceMetric = DistanceMetric.EuclideanSquared, Upserts = upserts, Patches = patches, Deletes = deletes };
    }

    public Filter NextFilter(int depth)
    {
        switch (depth == 0 ? 3 : random.Next(6))
        {
            case 0:
                return new AndFilter([.. Enumerable.Range(0, random.Next(4)).Select(_ => NextFilter(depth - 1))]);
            case 1:
                return new OrFilter([.. Enumerable.Range(0, random.Next(4)).Select(_ => NextFilter(depth - 1))]);
            case 2:
                return new NotFilter(NextFilter(depth - 1));
            case 3 when random.Next(8) == 0:
                return new AttributeFilter("id", Pick(FilterOperator.Eq, FilterOperator.Gt, FilterOperator.Lte), Value.UInt((ulong)random.Next(Ids)));
            case 4:
                return NextTokens();
            default:
                return NextComparison();
        }
    }

    public List<OrderKey> NextOrder() => [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => new OrderKey(NextScalar(withId: true), random.Next(2) == 0))];

    public string NextScalar(bool withId = false) => withId && random.Next(8) == 0 ? "id" : Name(Pick<TypeKind>(ScalarKinds));

    public string NextArray() => Name(ArrayOf(Pick<TypeKind>(ScalarKinds)));

    public List<GroupKey> NextGroups()
    {
        var keys = Enumerable.Range(0, random.Next(3)).Select(_ => NextScalar()).Distinct().Select(a => new GroupKey(a, a, false)).ToList();
        if (random.Next(3) == 0)
        {
            keys.Insert(random.Next(keys.Count + 1), new GroupKey("each", NextArray(), true));
        }

        return keys;
    }

    public List<Aggregation> NextAggregations()
    {
        var functions = new List<Aggregation>();
        for (int i = 1 + random.Next(4); i > 0; i--)
        {
            var function = Pick(Enum.GetValues<AggregateFunction>());
            string? attribute = function switch
            {
                AggregateFunction.Count => null,
                AggregateFunction.Sum or AggregateFunction.Avg => Name(Pick(TypeKind.Int, TypeKind.UInt, TypeKind.Float)),
                AggregateFunction.CountDistinct when random.Next(3) == 0 => NextArray(),
                _ => NextScalar(withId: true),
            };
            functions.Add(new Aggregation($"{i}", function, attribute));
        }

        return functions;
    }

    public float[] NextVector() => [random.Next(5) - 2, random.Next(5) - 2, random.Next(5) - 2];

    public ScoreExpression NextScore(int depth)
    {
        switch (random.Next(depth > 0 ? 11 : 6))
        {
            case 0:
                return new FilterScore(NextFilter(1));
            case 1 or 2:
                bool isList = random.Next(3) == 0;
                string[] query = NextWords(1 + random.Next(4));
                return new Bm25Score(Pick("body", "parts"), isList ? null : string.Join(' ', query), isList ? query : null, random.Next(4) == 0);
            case 3:
                return new SparseScore("sparse", NextSparse().AsSparse);
            case 4:
                return Pick<ScoreExpression>(
                    new DistScore(Name(TypeKind.Int), Value.Int(1)), new DistScore(Name(TypeKind.Float), Value.Float(0.25)),
                    new DistScore(Name(TypeKind.DateTime), Value.DateTime(500)), new AttributeScore(Name(TypeKind.UInt)));
            case 5:
                return new MaxScore([new AttributeScore(Name(Pick(TypeKind.Int, TypeKind.Float, TypeKind.DateTime))), new ConstantScore(random.Next(2))]);
            case 6 or 7:
                return new SumScore([.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => NextScore(depth - 1))]);
            case 8:
                var terms = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => NextScore(depth - 1));
                return new MaxScore([.. terms, .. random.Next(2) == 0 ? [new ConstantScore(random.Next(3))] : Array.Empty<ScoreExpression>()]);
            case 9:
                return new ProductScore((1 + random.Next(5)) / 2.0, NextScore(depth - 1));
            default:
                var midpoint = new ScoreNumber((1 + random.Next(6)) / 2.0);
                double exponent = Pick(0.5, 1, 2);
                var term = NextScore(depth - 1);
                return random.Next(2) == 0 ? new SaturateScore(term, midpoint, exponent) : new DecayScore(term, midpoint, exponent);
        }
    }

    private static TypeKind ArrayOf(TypeKind kind) => (TypeKind)((int)kind + 16);

    private static string Name(TypeKind kind) => "x" + kind;

    private static bool IsText(TypeKind kind) => kind is TypeKind.String or TypeKind.StringArray;

    private WriteRequest NextWriteByFilter()
    {
        var filter = new AndFilter([NextFilter(1), new AttributeFilter(Name(TypeKind.Int), FilterOperator.Eq, Value.Int(random.Next(3) - 1))]);
        ulong[] matches = [.. Documents.Values.Where(d => PlainEvaluator.Matches(filter, d)).Select(d => d.Id)];
        if (random.Next(2) == 0)
        {
            Array.ForEach(matches, id => Documents.Remove(id));
            return new WriteRequest { DeleteByFilter = filter };
        }

        var patch = new Dictionary<string, Value> { [Name(TypeKind.UInt)] = Draw(TypeKind.UInt), [Name(TypeKind.StringArray)] = Draw(TypeKind.StringArray) };
        Array.ForEach(matches, id => Patch(id, patch));
        return new WriteRequest { PatchByFilter = new PatchByFilter(filter, [.. patch]) };
    }

    private void Patch(ulong id, Dictionary<string, Value> patch)
    {
        if (Documents.TryGetValue(id, out var old))
        {
            var values = new Dictionary<string, Value>(old.Values);
            foreach (var (name, value) in patch)
            {
                values[name] = value;
            }

            Documents[id] = new PlainDocument(id, values);
        }
    }

    private Dictionary<string, Value> NextValues()
    {
        var values = new Dictionary<string, Value>();
        foreach (var kind in ScalarKinds)
        {
            Add(Name(kind), () => Draw(kind));
            Add(Name(ArrayOf(kind)), () => Draw(ArrayOf(kind)));
        }

        Add("body", () => Value.String(string.Join(' ', NextWords(random.Next(8)))));
        Add("parts", () => Texts(random.Next(4), () => string.Join(' ', NextWords(1 + random.Next(3)))));
        Add("sparse", NextSparse);
        values["vector"] = Value.Vector(NextVector());
        return values;

        void Add(string name, Func<Value> next)
        {
            int choice = random.Next(6);
            if (choice > 0)
            {
                values[name] = choice == 1 ? Value.Null : next();
            }
        }
    }

    private AttributeFilter NextTokens()
    {
        var @operator = Pick(FilterOperator.ContainsAllTokens, FilterOperator.ContainsAnyToken, FilterOperator.ContainsTokenSequence);
        string[] words = NextWords(random.Next(4));
        var operand = random.Next(3) == 0 ? Texts(words.Length, new Queue<string>(words).Dequeue) : Value.String(string.Join(' ', words));
        return new AttributeFilter(Pick("body", "parts"), @operator, operand) { LastAsPrefix = random.Next(3) == 0 };
    }

    private AttributeFilter NextComparison()
    {
        var kind = Pick<TypeKind>(ScalarKinds);
        bool isArray = random.Next(3) == 0;
        string name = Name(isArray ? ArrayOf(kind) : kind);
        if (kind == TypeKind.String && random.Next(2) == 0)
        {
            return NextPattern(name);
        }

        var @operator = isArray
            ? Pick(FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.In, FilterOperator.NotIn, FilterOperator.Contains, FilterOperator.NotContains,
                FilterOperator.ContainsAny, FilterOperator.NotContainsAny,
                FilterOperator.AnyLt, FilterOperator.AnyLte, FilterOperator.AnyGt, FilterOperator.AnyGte)
            : Pick(FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.In, FilterOperator.NotIn,
                FilterOperator.Lt, FilterOperator.Lte, FilterOperator.Gt, FilterOperator.Gte);
        return new AttributeFilter(name, @operator, @operator switch
        {
            FilterOperator.In or FilterOperator.NotIn or FilterOperator.ContainsAny or FilterOperator.NotContainsAny =>
                List(kind, random.Next(6) == 0 ? 20 : 1 + random.Next(3)),
            FilterOperator.Eq or FilterOperator.NotEq => random.Next(5) == 0 ? Value.Null : Draw(isArray ? ArrayOf(kind) : kind),
            FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte => random.Next(6) == 0 ? Value.Null : Draw(kind),
            _ => Draw(kind),
        });
    }

    private AttributeFilter NextPattern(string name)
    {
        var @operator = Pick(
            FilterOperator.Glob, FilterOperator.NotGlob, FilterOperator.IGlob, FilterOperator.NotIGlob, FilterOperator.Regex, FilterOperator.Fuzzy);
        if (@operator == FilterOperator.Fuzzy)
        {
            var rules = new FuzzyOptions([new FuzzyDistance(3, 0), new FuzzyDistance(6, 1), new FuzzyDistance(9, 2)], random.Next(2) == 0);
            string query = Pick("turbopufer", "tubropuffer", "PUFFIN", "puffin", "abc", "ab", "zz");
            return new AttributeFilter(name, @operator, Value.String(query)) { Fuzzy = rules };
        }

        string pattern = @operator == FilterOperator.Regex
            ? Pick("^a", "b$", "a.c", "(turbo)+", "[A-Z]{3}", "^$", "puf{1,2}", "a|z", "(a*)*b")
            : Pick("a*", "*b", "?b*", "{a,b}*", "[ab]b", "[!a]*", "*puff*", "TURBO*", "*", "", "abc", "b/*", "*o p*{n,x}");
        return new AttributeFilter(name, @operator, Value.String(pattern));
    }

    private string[] NextWords(int count) => [.. Enumerable.Range(0, count).Select(_ => Words[Math.Min(random.Next(Words.Length), random.Next(Words.Length))])];

    private Value NextSparse() =>
        VectorQueryTests.Sparse([.. Enumerable.Range(0, 6).Where(_ => random.Next(2) == 0).Select(k => ($"k{k}", (float)(random.Next(4) + 1)))]);

    private Value Draw(TypeKind kind) => kind switch
    {
        TypeKind.String => Value.String(Pick<string>(Names)),
        TypeKind.Int => Value.Int(random.Next(12) == 0 ? Pick(long.MinValue / 512, long.MaxValue / 512) : random.Next(7) - 3),
        TypeKind.UInt => Value.UInt(random.Next(12) == 0 ? ulong.MaxValue / 512 : (ulong)random.Next(5)),
        TypeKind.Float => Value.Float((random.Next(9) - 4) / 4.0),
        TypeKind.Bool => Value.Bool(random.Next(2) == 0),
        TypeKind.Uuid => Value.Uuid([.. new byte[15], (byte)(random.Next(4) * 80)]),
        TypeKind.DateTime => Value.DateTime((random.Next(7) - 3) * 250),
        _ => List((TypeKind)((int)kind - 16), random.Next(4)),
    };

    private Value List(TypeKind kind, int count)
    {
        Value[] values = [.. Enumerable.Range(0, count).Select(_ => Draw(kind))];
        return kind switch
        {
            TypeKind.String => Value.StringArray(Array.ConvertAll(values, v => v.AsBytes)),
            TypeKind.Int => Value.Array(Array.ConvertAll(values, v => v.AsInt)),
            TypeKind.UInt => Value.Array(Array.ConvertAll(values, v => v.AsUInt)),
            TypeKind.Float => Value.Array(Array.ConvertAll(values, v => v.AsFloat)),
            TypeKind.Bool => Value.Array(Array.ConvertAll(values, v => v.AsBool)),
            TypeKind.Uuid => Value.UuidArray(Array.ConvertAll(values, v => v.AsBytes)),
            _ => Value.DateTimeArray(Array.ConvertAll(values, v => v.AsDateTime)),
        };
    }

    private static Value Texts(int count, Func<string> next) =>
        Value.StringArray([.. Enumerable.Range(0, count).Select(_ => System.Text.Encoding.UTF8.GetBytes(next()))]);
}
