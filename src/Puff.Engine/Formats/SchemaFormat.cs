using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// A namespace's schema inside manifests and WAL entries: id kind, metric, then each attribute with a length, so that later versions may append fields.
/// </summary>
internal static class SchemaFormat
{
    /// <summary>The numbers are stored: they only grow.</summary>
    [Flags]
    internal enum Options : uint
    {
        Filterable = 1,
        Regex = 2,
        Glob = 4,
        Fuzzy = 8,
        Ann = 16,
        LateInteraction = 32,
        SparseKnn = 64,
        FullText = 128,
        Stemming = 256,
        RemoveStopwords = 512,
        CaseSensitive = 1024,
        AsciiFolding = 2048,
        IndexPrefixes = 4096,
    }

    public static void Write(ByteWriter writer, NamespaceSchema schema)
    {
        writer.Byte((byte)(schema.IdKind ?? 0));
        writer.Byte((byte)(schema.Metric ?? 0));
        writer.Varint((ulong)schema.Attributes.Count);
        using var body = new ByteWriter(256);
        foreach (var attribute in schema.Attributes)
        {
            body.Clear();
            WriteAttribute(body, attribute);
            writer.Block(body.Written.AsSpan());
        }
    }

    /// <summary>Reads a schema that fills the region.</summary>
    public static NamespaceSchema Read(MemoryRegion content)
    {
        var reader = new ByteReader(content.AsSpan());
        var schema = Read(ref reader);
        reader.ExpectEnd();
        return schema;
    }

    public static NamespaceSchema Read(ref ByteReader reader)
    {
        byte idKind = reader.Byte();
        byte metric = reader.Byte();
        if (idKind > (byte)IdKind.String || metric > (byte)DistanceMetric.EuclideanSquared)
        {
            throw new CorruptDataException($"schema with id kind {idKind} and metric {metric}");
        }

        int count = reader.Count(8);
        var attributes = new List<AttributeDefinition>(count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            var attribute = ReadAttribute(reader.Block());
            if (attribute.Name is "" or "id" || attribute.Id is < 1 or > 1 << 20 || !numbers.Add(attribute.Id) || !names.Add(attribute.Name))
            {
                throw new CorruptDataException($"attribute \"{attribute.Name}\" with number {attribute.Id} occurs twice or is out of range");
            }

            attributes.Add(attribute);
        }

        if (attributes.Count(a => a.Type.IsDenseVector) > NamespaceSchema.MaxDenseVectors)
        {
            throw new CorruptDataException($"a schema with more than {NamespaceSchema.MaxDenseVectors} dense vectors");
        }

        return new NamespaceSchema(idKind == 0 ? null : (IdKind)idKind, metric == 0 ? null : (DistanceMetric)metric, attributes);
    }

    private static void WriteAttribute(ByteWriter writer, AttributeDefinition attribute)
    {
        writer.Varint((ulong)attribute.Id);
        writer.Text(attribute.Name);
        writer.Byte((byte)attribute.Type.Kind);
        writer.Varint((ulong)attribute.Type.Dimensions);
        writer.UInt32((uint)OptionsOf(attribute));
        if (attribute.FullText is { } text)
        {
            writer.Text(text.Tokenizer);
            writer.Text(text.Language);
            writer.Varint((ulong)text.MaxTokenLength);
            writer.Double(text.K1);
            writer.Double(text.B);
            writer.Double(text.K3);
        }
    }

    private static AttributeDefinition ReadAttribute(ReadOnlySpan<byte> block)
    {
        var reader = new ByteReader(block);
        int id = reader.Int32Varint();
        string name = reader.Text();
        var kind = (TypeKind)reader.Byte();
        ulong dimensions = reader.Varint();
        if (!Enum.IsDefined(kind) || dimensions > MaxDimensionsOf(kind) || (dimensions == 0) != (MaxDimensionsOf(kind) == 0))
        {
            throw new CorruptDataException($"attribute \"{name}\" has type number {(byte)kind} with {dimensions} dimensions");
        }

        var options = (Options)reader.UInt32();
        if (options.HasFlag(Options.Filterable) && !new AttributeType(kind).CanFilter)
        {
            throw new CorruptDataException($"attribute \"{name}\" of type number {(byte)kind} is filterable");
        }

        return new AttributeDefinition(id, name, new AttributeType(kind, (int)dimensions))
        {
            Filterable = options.HasFlag(Options.Filterable),
            Regex = options.HasFlag(Options.Regex),
            Glob = options.HasFlag(Options.Glob),
            Fuzzy = options.HasFlag(Options.Fuzzy),
            Ann = options.HasFlag(Options.Ann),
            LateInteraction = options.HasFlag(Options.LateInteraction),
            SparseKnn = options.HasFlag(Options.SparseKnn),
            FullText = options.HasFlag(Options.FullText) ? ReadFullText(ref reader, options) : null,
        };
    }

    private static ulong MaxDimensionsOf(TypeKind kind) =>
        new AttributeType(kind) is var type && type.IsDenseVector
            ? AttributeType.MaxDimensions : type.IsMultiVector ? AttributeType.MaxMultiVectorDimensions : 0UL;

    private static FullTextSettings ReadFullText(ref ByteReader reader, Options options) => new()
    {
        Tokenizer = reader.Text(),
        Language = reader.Text(),
        MaxTokenLength = reader.Int32Varint(),
        K1 = reader.Double(),
        B = reader.Double(),
        K3 = reader.Double(),
        Stemming = options.HasFlag(Options.Stemming),
        RemoveStopwords = options.HasFlag(Options.RemoveStopwords),
        CaseSensitive = options.HasFlag(Options.CaseSensitive),
        AsciiFolding = options.HasFlag(Options.AsciiFolding),
        IndexPrefixes = options.HasFlag(Options.IndexPrefixes),
    };

    private static Options OptionsOf(AttributeDefinition a) =>
        (a.Filterable ? Options.Filterable : 0) | (a.Regex ? Options.Regex : 0) | (a.Glob ? Options.Glob : 0) | (a.Fuzzy ? Options.Fuzzy : 0)
        | (a.Ann ? Options.Ann : 0) | (a.LateInteraction ? Options.LateInteraction : 0) | (a.SparseKnn ? Options.SparseKnn : 0)
        | (a.FullText is { } t
            ? Options.FullText | (t.Stemming ? Options.Stemming : 0) | (t.RemoveStopwords ? Options.RemoveStopwords : 0)
                | (t.CaseSensitive ? Options.CaseSensitive : 0) | (t.AsciiFolding ? Options.AsciiFolding : 0) | (t.IndexPrefixes ? Options.IndexPrefixes : 0)
            : 0);
}
