using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>Turns rows of one table shape into documents. Thread-safe.</summary>
internal sealed class RowConverter
{
    /// <summary>The largest document a target takes.</summary>
    private const int MaxDocumentBytes = 64 << 20;
    private readonly Column[] columns;
    private readonly int[] readOrdinals;
    private readonly byte[] mappingName;
    private readonly int provenance;

    public RowConverter(DocumentPlan plan, AttributeList attributes, RelationShape relation)
    {
        Plan = plan;
        Relation = relation;
        Missing = [.. plan.Columns.Select(c => c.Name).Where(c => relation.Find(c) < 0)];
        columns = [.. attributes.Entries.Select(e => new Column(relation.Find(e.Plan.Column.Name), e)).Where(c => c.Ordinal >= 0)];
        readOrdinals = [.. plan.Columns.Select(c => relation.Find(c.Name)).Where(o => o >= 0)];
        HasFlattened = columns.Any(c => c.Entry.Flattener is not null);
        mappingName = System.Text.Encoding.UTF8.GetBytes(plan.Mapping.Name);
        provenance = (Mapping.VersionAttribute is null ? 0 : 1) + (Mapping.RowHashAttribute is null ? 0 : 1) + (Mapping.Target.Shared ? 1 : 0);
        var form = plan.Decisions.Id;
        int[] key = [.. form.Columns.Select(relation.Find)];
        if (Array.IndexOf(key, -1) is var lost and >= 0)
        {
            throw new SyncException(
                SyncExit.Failed, "column_dropped", $"column \"{form.Columns[lost]}\" of the id of \"{Mapping.Name}\" is gone from "
                + $"{relation.Schema}.{relation.Table}", "write a new migration");
        }

        Ids = new IdReader(form, key, [.. form.Columns.Select(c => plan.Table.Find(c)!).Select(c => SourceType.Of(c.Type, c.TypeModifier).Kind)]);
    }

    public DocumentPlan Plan { get; }

    public RelationShape Relation { get; }

    /// <summary>Columns that the mapping reads and this shape does not have (drift).</summary>
    public IReadOnlyList<string> Missing { get; }

    public IdReader Ids { get; }

    /// <summary>Ordinals of all columns that the mapping reads.</summary>
    public IReadOnlyList<int> ReadOrdinals => readOrdinals;

    /// <summary>Flattened columns cannot be patched: nobody knows which attributes the value before had.</summary>
    public bool HasFlattened { get; }

    private MappingDefinition Mapping => Plan.Mapping;

    /// <summary>The identity mapping of a complete row; a delete when it lacks a vector that the policy wants a document to have.</summary>
    /// <exception cref="RowException">A value cannot be written.</exception>
    public DocumentAction Upsert(in Value id, in RowTuple row, SyncPosition position, long commitMicroseconds)
    {
        CheckSize(row);
        foreach (var column in columns)
        {
            if (column.IsDense && row.IsNull(column.Ordinal) && LacksVector(column))
            {
                return Delete(id, position, commitMicroseconds);
            }
        }

        return new DocumentAction(
            DocumentOperation.Upsert, id, HasFlattened ? ReadFlattened(row, position) : Read(row, position), position, commitMicroseconds);
    }

    /// <summary>
    /// The columns at these ordinals as a patch, or all that the row has when <paramref name="only"/> is null; null when that would patch a dense vector or a
    /// flattened column.
    /// </summary>
    public DocumentAction? Patch(in Value id, in RowTuple row, IReadOnlySet<int>? only, SyncPosition position, long commitMicroseconds)
    {
        CheckSize(row);
        var attributes = new List<KeyValuePair<string, Value>>(columns.Length + provenance);
        foreach (var column in columns)
        {
            var state = row[column.Ordinal];
            if (state == ColumnState.Unchanged || only?.Contains(column.Ordinal) == false)
            {
                continue;
            }

            if (column.IsDense || column.Entry.Converter is not { } converter)
            {
                return null;
            }

            attributes.Add(new(column.Name, state == ColumnState.Null ? Value.Null : converter.Convert(TextOf(row, column.Ordinal))));
        }

        AddProvenance(attributes, Mapping.RowHashAttribute is null || !IsComplete(row) ? default : row, position);
        return new DocumentAction(DocumentOperation.Patch, id, attributes, position, commitMicroseconds);
    }

    public DocumentAction Delete(in Value id, SyncPosition position, long commitMicroseconds) =>
        new(DocumentOperation.Delete, id, [], position, commitMicroseconds);

    /// <summary>What `events.delete = "mark"` makes of a deleted row.</summary>
    public DocumentAction Mark(in Value id, SyncPosition position, long commitMicroseconds)
    {
        var attributes = new List<KeyValuePair<string, Value>> { new(DocumentPlan.DeletedAttribute, Value.Bool(true)) };
        AddProvenance(attributes, default, position);
        return new DocumentAction(DocumentOperation.Patch, id, attributes, position, commitMicroseconds);
    }

    /// <summary>A document that a transform made, checked and with its provenance. Null for a patch with a dense vector: read the row instead.</summary>
    /// <param name="operation">Upsert or Patch.</param>
    /// <param name="row">Complete, for the row's hash; none for no hash.</param>
    /// <exception cref="RowException">Something in it cannot be written.</exception>
    public DocumentAction? Finish(
        DocumentOperation operation, in Value id, IReadOnlyList<KeyValuePair<string, Value>> attributes, in RowTuple row, SyncPosition position,
        long commitMicroseconds, string? group = null)
    {
        TransformedDocument.CheckId(Plan.Decisions.Id, id);
        var finished = new List<KeyValuePair<string, Value>>(attributes.Count + provenance + 1);
        foreach (var attribute in attributes)
        {
            if (operation == DocumentOperation.Patch && attribute.Value.Kind is ValueKind.VectorF32 or ValueKind.VectorF16 or ValueKind.VectorI8)
            {
                return null;
            }

            TransformedDocument.Check(attribute);
            finished.Add(attribute);
        }

        if (group is not null)
        {
            finished.Add(new(DocumentPlan.GroupAttribute, Value.String(group)));
        }

        AddProvenance(finished, row, position);
        return new DocumentAction(operation, id, finished, position, commitMicroseconds);
    }

    /// <summary>Whether no column that is read is missing.</summary>
    public bool IsComplete(in RowTuple row)
    {
        foreach (int ordinal in readOrdinals)
        {
            if (row[ordinal] == ColumnState.Unchanged)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>64 bits of the hash of the columns that are read, in the order of their names, in text form: 16 hexadecimal digits.</summary>
    public string HashOf(in RowTuple row)
    {
        var content = new ArrayBufferWriter<byte>(256);
        foreach (int ordinal in readOrdinals)
        {
            var bytes = row.Bytes(ordinal);
            BinaryPrimitives.WriteInt32LittleEndian(content.GetSpan(4), row.IsNull(ordinal) ? -1 : bytes.Length);
            content.Advance(4);
            content.Write(bytes);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content.WrittenSpan, hash);
        return Convert.ToHexStringLower(hash[..8]);
    }

    private static ReadOnlySpan<byte> TextOf(in RowTuple row, int ordinal) => row[ordinal] == ColumnState.Text
        ? row.Bytes(ordinal)
        : throw new RowException("value_unreadable", $"column {ordinal} is in binary form", "set stream.binary = false");

    private bool LacksVector(Column column) => Mapping.Attributes.VectorNull switch
    {
        VectorNullPolicy.NoDocument => true,
        VectorNullPolicy.Zero => false,
        _ => throw new RowException("vector_null", $"attribute \"{column.Name}\" is null", "use [attributes] vector_null = \"no_document\""),
    };

    private void CheckSize(in RowTuple row)
    {
        long bytes = 0;
        foreach (int ordinal in readOrdinals)
        {
            bytes += row.Bytes(ordinal).Length;
        }

        if (bytes > MaxDocumentBytes)
        {
            throw new RowException(
                "row_too_large", $"a row of {Relation.Schema}.{Relation.Table} has {bytes} bytes, the limit of a document is {MaxDocumentBytes}",
                "leave columns out with [source] exclude");
        }
    }

    private KeyValuePair<string, Value>[] Read(in RowTuple row, SyncPosition position)
    {
        bool writesNulls = Mapping.Attributes.Nulls == NullPolicy.Null;
        int count = provenance;
        foreach (var column in columns)
        {
            count += writesNulls || column.IsDense || !row.IsNull(column.Ordinal) ? 1 : 0;
        }

        var attributes = new KeyValuePair<string, Value>[count];
        int next = 0;
        foreach (var column in columns)
        {
            if (!row.IsNull(column.Ordinal))
            {
                attributes[next++] = new(column.Name, column.Entry.Converter!.Convert(TextOf(row, column.Ordinal)));
            }
            else if (column.IsDense || writesNulls)
            {
                attributes[next++] = new(column.Name, column.IsDense ? ZeroOf(column) : Value.Null);
            }
        }

        FillProvenance(attributes.AsSpan(next), row, position);
        return attributes;
    }

    private static Value ZeroOf(Column column) => Value.Vector(new float[column.Entry.Plan.Type!.Value.Dimensions]);

    private List<KeyValuePair<string, Value>> ReadFlattened(in RowTuple row, SyncPosition position)
    {
        var attributes = new List<KeyValuePair<string, Value>>(columns.Length * 2);
        foreach (var column in columns)
        {
            if (row.IsNull(column.Ordinal))
            {
                if (column.IsDense || Mapping.Attributes.Nulls == NullPolicy.Null && column.Entry.Flattener is null)
                {
                    attributes.Add(new(column.Name, column.IsDense ? ZeroOf(column) : Value.Null));
                }
            }
            else if (column.Entry.Flattener is { } flattener)
            {
                flattener.Append(TextOf(row, column.Ordinal), attributes);
            }
            else
            {
                attributes.Add(new(column.Name, column.Entry.Converter!.Convert(TextOf(row, column.Ordinal))));
            }
        }

        AddProvenance(attributes, row, position);
        return attributes;
    }

    private void AddProvenance(List<KeyValuePair<string, Value>> attributes, in RowTuple row, SyncPosition position)
    {
        var own = new KeyValuePair<string, Value>[provenance];
        int written = FillProvenance(own, row, position);
        attributes.AddRange(own.AsSpan(0, written));
    }

    private int FillProvenance(Span<KeyValuePair<string, Value>> into, in RowTuple row, SyncPosition position)
    {
        int next = 0;
        if (Mapping.VersionAttribute is { } version)
        {
            into[next++] = new(version, Value.Utf8(PositionText.Of(position)));
        }

        if (Mapping.RowHashAttribute is { } hash && row.Exists)
        {
            into[next++] = new(hash, Value.String(HashOf(row)));
        }

        if (Mapping.Target.Shared)
        {
            into[next++] = new(DocumentPlan.MappingAttribute, Value.Utf8(mappingName));
        }

        return next;
    }

    /// <param name="Ordinal">In the shape.</param>
    /// <param name="Entry">What it becomes.</param>
    private sealed record Column(int Ordinal, AttributeList.Entry Entry)
    {
        public string Name { get; } = Entry.Plan.Attribute;

        public bool IsDense { get; } = Entry.Plan.Type is { IsDenseVector: true };
    }
}

/// <summary>A position's text as bytes, without a string in between.</summary>
internal static class PositionText
{
    public static byte[] Of(SyncPosition position)
    {
        byte[] text = new byte[SyncPosition.TextLength];
        ulong commit = position.Commit.Value;
        for (int i = 15; i >= 0; i--, commit >>= 4)
        {
            text[i] = "0123456789ABCDEF"u8[(int)(commit & 15)];
        }

        text[16] = (byte)'/';
        uint ordinal = position.Ordinal;
        for (int i = 24; i > 16; i--, ordinal >>= 4)
        {
            text[i] = "0123456789ABCDEF"u8[(int)(ordinal & 15)];
        }

        return text;
    }
}
