using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The body of a write (turbopuffer-api 3.1). One instance parses one body.</summary>
internal sealed class WriteParser
{
    private readonly NamespaceSchema? known;
    private readonly Dictionary<string, int> deferred = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<DocumentRow>?> documents = new(StringComparer.Ordinal);
    private AttributeNames? names;
    private SchemaUpdate? schema;
    private WriteRequest request = new();

    private WriteParser(NamespaceSchema? known) => this.known = known;

    /// <param name="known">What is known of the namespace; only a hint that makes vectors faster to read.</param>
    public static WriteRequest Parse(ReadOnlySpan<byte> body, NamespaceSchema? known) =>
        JsonBody.Parse(body, new WriteParser(known), static (ref cursor, parser) => parser.Read(ref cursor));

    private WriteRequest Read(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "write", "struct Write");
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            ReadField(ref cursor, key);
        }

        foreach (var (key, offset) in deferred)
        {
            var documentsCursor = cursor.At(offset);
            ReadDocuments(ref documentsCursor, key);
        }

        return request with
        {
            Schema = schema,
            Upserts = Join("upsert_rows", "upsert_columns"),
            Patches = Join("patch_rows", "patch_columns"),
        };
    }

    private void ReadField(ref JsonCursor cursor, string key)
    {
        switch (key)
        {
            case "upsert_rows" or "upsert_columns" or "patch_rows" or "patch_columns":
                ReadDocumentsNowOrLater(ref cursor, key);
                break;
            case "deletes":
                request = request with { Deletes = cursor.IsNull ? null : ColumnParser.ReadIds(ref cursor, key) };
                break;
            case "upsert_condition":
                request = request with { UpsertCondition = FilterParser.ReadOptional(ref cursor, key, allowRefNew: true) };
                break;
            case "patch_condition":
                request = request with { PatchCondition = FilterParser.ReadOptional(ref cursor, key, allowRefNew: true) };
                break;
            case "delete_condition":
                request = request with { DeleteCondition = FilterParser.ReadOptional(ref cursor, key, allowRefNew: true) };
                break;
            case "delete_by_filter":
                request = request with { DeleteByFilter = FilterParser.ReadOptional(ref cursor, key) };
                break;
            case "delete_by_filter_allow_partial":
                request = request with { DeleteByFilterAllowPartial = JsonShape.ReadOptionalBool(ref cursor, key) ?? false };
                break;
            case "patch_by_filter":
                request = request with { PatchByFilter = ReadPatchByFilter(ref cursor) };
                break;
            case "patch_by_filter_allow_partial":
                request = request with { PatchByFilterAllowPartial = JsonShape.ReadOptionalBool(ref cursor, key) ?? false };
                break;
            default:
                ReadSetting(ref cursor, key);
                break;
        }
    }

    private void ReadSetting(ref JsonCursor cursor, string key)
    {
        switch (key)
        {
            case "schema":
                schema = cursor.IsNull ? null : SchemaParser.Read(ref cursor);
                break;
            case "distance_metric":
                request = request with { DistanceMetric = SchemaParser.ReadMetric(ref cursor, key) };
                break;
            case "copy_from_namespace":
                request = request with { CopyFromNamespace = SourceParser.Read(ref cursor, key) };
                break;
            case "branch_from_namespace":
                request = request with { BranchFromNamespace = SourceParser.Read(ref cursor, key) };
                break;
            case "encryption":
                EncryptionParser.Check(ref cursor, key);
                break;
            case "return_affected_ids":
                request = request with { ReturnAffectedIds = JsonShape.ReadOptionalBool(ref cursor, key) ?? false };
                break;
            case "disable_backpressure":
                request = request with { DisableBackpressure = JsonShape.ReadOptionalBool(ref cursor, key) ?? false };
                break;
            case "sharding":
                request = request with { Shards = ReadShards(ref cursor) };
                break;
            default:
                // Unknown fields are passed over, so that newer clients keep working.
                cursor.Skip();
                break;
        }
    }

    /// <summary>
    /// Documents of an unknown namespace wait until the whole body was seen, because a `schema` behind them says which arrays are vectors. That costs one more
    /// pass, once in a namespace's life.
    /// </summary>
    private void ReadDocumentsNowOrLater(ref JsonCursor cursor, string key)
    {
        documents.Remove(key);
        deferred.Remove(key);
        if (cursor.IsNull)
        {
            return;
        }

        if (known is null && schema is null)
        {
            deferred.Add(key, cursor.Offset);
            cursor.Skip();
            return;
        }

        ReadDocuments(ref cursor, key);
    }

    private void ReadDocuments(ref JsonCursor cursor, string key)
    {
        var rows = new List<DocumentRow>();
        names ??= new AttributeNames(known, schema);
        if (key is "upsert_rows" or "patch_rows")
        {
            new RowParser(names).ReadRows(ref cursor, key, rows);
        }
        else
        {
            ColumnParser.ReadColumns(ref cursor, key, names, rows);
        }

        documents[key] = rows;
    }

    private List<DocumentRow>? Join(string rowsKey, string columnsKey)
    {
        var rows = documents.GetValueOrDefault(rowsKey);
        var columns = documents.GetValueOrDefault(columnsKey);
        return rows is null ? columns : columns is null ? rows : [.. rows, .. columns];
    }

    private PatchByFilter? ReadPatchByFilter(ref JsonCursor cursor)
    {
        const string Field = "patch_by_filter";
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        Filter? filter = null;
        IReadOnlyList<KeyValuePair<string, Value>>? patch = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "filters":
                    filter = new FilterParser(Field).Read(ref cursor);
                    break;
                case "patch":
                    // Its own names: the schema's hints may come later, and one row needs none.
                    patch = new RowParser(new AttributeNames(known, schema)).ReadPatch(ref cursor, Field);
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        return new PatchByFilter(
            filter ?? throw JsonShape.MissingField(Field, "filters"),
            patch ?? throw JsonShape.MissingField(Field, "patch"));
    }

    private static int? ReadShards(ref JsonCursor cursor)
    {
        const int MaxShards = 256;
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, "sharding");
        long? shards = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            if (key == "num_shards")
            {
                shards = JsonShape.ReadCount(ref cursor, "sharding.num_shards");
            }
            else
            {
                cursor.Skip();
            }
        }

        return (shards ?? throw JsonShape.MissingField("sharding", "num_shards")) is >= 1 and <= MaxShards and var count
            ? (int)count
            : throw PuffException.Invalid($"sharding.num_shards must lie between 1 and {MaxShards}");
    }
}
