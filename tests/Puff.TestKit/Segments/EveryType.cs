using Puff.Engine.Schema;

namespace Puff.TestKit.Segments;

/// <summary>A schema with an attribute of every type, and documents for it that depend on nothing but a seed.</summary>
internal static class EveryType
{
    public static readonly AttributeDefinition Title = new(1, "title", new AttributeType(TypeKind.String)) { Filterable = true };

    /// <summary>A string that is not filterable.</summary>
    public static readonly AttributeDefinition Body = new(20, "body", new AttributeType(TypeKind.String));

    /// <summary>An array whose element type is not known yet.</summary>
    public static readonly AttributeDefinition Unknown = new(16, "unknown", new AttributeType(TypeKind.UnknownArray)) { Filterable = true };

    /// <summary>Filterable, and never given a value.</summary>
    public static readonly AttributeDefinition Never = new(21, "never", new AttributeType(TypeKind.Int)) { Filterable = true };

    private static readonly string[] Letters = ["a", "ä", "→", "𝛑", " ", "0"];

    public static readonly AttributeDefinition VectorF32 = Vector(300, "v32", TypeKind.VectorF32, 8);
    public static readonly AttributeDefinition VectorF16 = Vector(301, "v16", TypeKind.VectorF16, 7);
    public static readonly AttributeDefinition VectorI8 = Vector(20_000, "v8", TypeKind.VectorI8, 5);

    /// <param name="kind">The kind of ids.</param>
    /// <param name="vectors">How many dense vector attributes, 0 to 3.</param>
    public static NamespaceSchema Schema(IdKind kind, int vectors = 3)
    {
        TypeKind[] filterable =
        [
            TypeKind.Int, TypeKind.UInt, TypeKind.Float, TypeKind.Bool, TypeKind.Uuid, TypeKind.DateTime, TypeKind.StringArray, TypeKind.IntArray,
            TypeKind.UIntArray, TypeKind.FloatArray, TypeKind.BoolArray, TypeKind.UuidArray, TypeKind.DateTimeArray,
        ];
        var attributes = filterable.Select((t, i) => new AttributeDefinition(2 + i, t.ToString(), new AttributeType(t)) { Filterable = true })
            .Append(Title).Append(Unknown).Append(Body).Append(Never)
            .Append(new AttributeDefinition(15, "raw", new AttributeType(TypeKind.Bytes)))
            .Append(new AttributeDefinition(17, "multi32", new AttributeType(TypeKind.MultiVectorF32, 3)))
            .Append(new AttributeDefinition(18, "multi16", new AttributeType(TypeKind.MultiVectorF16, 3)))
            .Append(new AttributeDefinition(19, "sparse", new AttributeType(TypeKind.SparseF16)))
            .Concat(new[] { VectorF32, VectorF16, VectorI8 }.Take(vectors));
        return new NamespaceSchema(kind, DistanceMetric.CosineDistance, attributes);
    }

    /// <param name="schema">What the documents have.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The same seed gives the same documents.</param>
    /// <param name="nulls">How often a value is absent, of 100; vectors too.</param>
    /// <param name="firstId">Ids are a permutation of this number and those after it, so sets with distant numbers do not overlap.</param>
    public static List<ModelDocument> Documents(NamespaceSchema schema, int count, int seed, int nulls = 30, int firstId = 0)
    {
        var random = new Xorshift(seed);
        var numbers = Enumerable.Range(firstId, count).OrderBy(_ => random.Next(int.MaxValue)).ToArray();
        return numbers.Select(number => Document(schema, Id(schema.IdKind!.Value, number), random, nulls)).ToList();
    }

    public static DocumentId Id(IdKind kind, int number)
    {
        // Spread over the whole range of the kind, so that signs, byte order and lengths matter.
        ulong spread = (ulong)number * 0x9E3779B97F4A7C15;
        switch (kind)
        {
            case IdKind.UInt:
                return DocumentId.FromUInt(number % 3 == 0 ? (ulong)number : spread);
            case IdKind.Uuid:
                var bytes = new byte[16];
                BitConverter.TryWriteBytes(bytes, number % 2 == 0 ? spread : 0UL);
                BitConverter.TryWriteBytes(bytes.AsSpan(8), (ulong)number);
                return DocumentId.FromUuid(bytes);
            default:
                return DocumentId.FromString($"{(number % 2 == 0 ? "document" : "é")}-{number}".PadRight(number % 5 == 0 ? 60 : 1, 'x'));
        }
    }

    public static Value RandomValue(AttributeType type, Xorshift random) => type.Kind switch
    {
        TypeKind.String => Value.Utf8(Text(random)),
        TypeKind.Int => Value.Int(Long(random)),
        TypeKind.UInt => Value.UInt((ulong)Long(random)),
        TypeKind.Float => Value.Float(Number(random)),
        TypeKind.Bool => Value.Bool(random.Next(2) == 0),
        TypeKind.Uuid => Value.Uuid(Bytes(random, 16)),
        TypeKind.DateTime => Value.DateTime(Long(random)),
        TypeKind.Bytes => Value.Bytes(Bytes(random, random.Next(20))),
        TypeKind.StringArray => Value.StringArray(Many(random, () => Text(random))),
        TypeKind.IntArray => Value.Array(Many(random, () => Long(random))),
        TypeKind.UIntArray => Value.Array(Many(random, () => (ulong)Long(random))),
        TypeKind.FloatArray => Value.Array(Many(random, () => Number(random))),
        TypeKind.BoolArray => Value.Array(Many(random, () => random.Next(2) == 0)),
        TypeKind.UuidArray => Value.UuidArray(Many(random, () => Bytes(random, 16))),
        TypeKind.DateTimeArray => Value.DateTimeArray(Many(random, () => Long(random))),
        TypeKind.UnknownArray => Value.EmptyArray,
        TypeKind.VectorF32 => Value.Vector(Fill(type.Dimensions, () => (float)Number(random))),
        TypeKind.VectorF16 => Value.Vector(Fill(type.Dimensions, () => (Half)Number(random))),
        TypeKind.VectorI8 => Value.Vector(Fill(type.Dimensions, () => (sbyte)random.Next(256))),
        TypeKind.MultiVectorF32 => Value.MultiVector(new MultiVector(type.Dimensions, Fill(type.Dimensions * random.Next(4), () => (float)Number(random)))),
        TypeKind.MultiVectorF16 => Value.MultiVector(new MultiVector(type.Dimensions, Fill(type.Dimensions * random.Next(4), () => HalfNumber(random)))),
        _ => Sparse(random),
    };

    private static AttributeDefinition Vector(int id, string name, TypeKind kind, int dimensions) =>
        new(id, name, new AttributeType(kind, dimensions)) { Ann = true };

    private static ModelDocument Document(NamespaceSchema schema, DocumentId id, Xorshift random, int nulls)
    {
        var values = new Dictionary<int, Value>();
        foreach (var attribute in schema.Attributes)
        {
            if (attribute.Id != Never.Id && random.Next(100) >= nulls)
            {
                values.Add(attribute.Id, RandomValue(attribute.Type, random));
            }
        }

        return new ModelDocument(id, values);
    }

    private static Value Sparse(Xorshift random)
    {
        var keys = Many(random, () => Text(random)).DistinctBy(Convert.ToHexString).OrderBy(Convert.ToHexString, StringComparer.Ordinal).ToArray();
        return Value.Sparse(new SparseVector(keys, Fill(keys.Length, () => HalfNumber(random))));
    }

    private static T[] Many<T>(Xorshift random, Func<T> make) => Fill(random.Next(4), make);

    private static T[] Fill<T>(int count, Func<T> make) => Enumerable.Range(0, count).Select(_ => make()).ToArray();

    private static byte[] Bytes(Xorshift random, int count) => Fill(count, () => (byte)random.Next(256));

    private static byte[] Text(Xorshift random) =>
        System.Text.Encoding.UTF8.GetBytes(string.Concat(Fill(random.Next(12), () => Letters[random.Next(Letters.Length)])));

    private static float HalfNumber(Xorshift random) => (float)(Half)Number(random);

    private static double Number(Xorshift random) => random.Next(10) switch
    {
        0 => 0.0,
        1 => -0.0,
        2 => double.PositiveInfinity,
        3 => -1.5,
        _ => random.Next(2_000_001) / 1000.0 - 1000,
    };

    private static long Long(Xorshift random) => random.Next(6) switch
    {
        0 => 0,
        1 => long.MinValue,
        2 => long.MaxValue,
        3 => -random.Next(300),
        _ => random.Next(1_000_000) * 1_000_003L,
    };
}
