using System.Text.Json;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>Bodies of requests to an endpoint that speaks turbopuffer's API.</summary>
internal static class RequestJson
{
    /// <summary>Whole writes, without <see cref="DestinationBatch.DeleteByFilter"/>.</summary>
    public static void WriteBatch(Utf8JsonWriter writer, DestinationBatch batch, bool disableBackpressure)
    {
        writer.WriteStartObject();
        WriteRows(writer, "upsert", batch.Upserts, batch.UpsertCondition);
        WriteRows(writer, "patch", batch.Patches, batch.PatchCondition);
        if (batch.Deletes.Count > 0)
        {
            writer.WriteStartArray("deletes"u8);
            foreach (var id in batch.Deletes)
            {
                ValueJson.Write(writer, id);
            }

            writer.WriteEndArray();
            WriteFilter(writer, "delete_condition", batch.DeleteCondition);
        }

        if (batch.Metric is { } metric)
        {
            writer.WriteString("distance_metric"u8, metric == DistanceMetric.CosineDistance ? "cosine_distance" : "euclidean_squared");
        }

        if (batch.Schema is { } schema)
        {
            writer.WritePropertyName("schema"u8);
            WriteSchema(writer, schema);
        }

        if (disableBackpressure)
        {
            writer.WriteBoolean("disable_backpressure"u8, true);
        }

        writer.WriteEndObject();
    }

    public static void WriteDeleteByFilter(Utf8JsonWriter writer, Filter filter)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("delete_by_filter"u8);
        Write(writer, filter);
        writer.WriteBoolean("delete_by_filter_allow_partial"u8, true);
        writer.WriteEndObject();
    }

    public static void WriteQuery(Utf8JsonWriter writer, Filter? filter, int limit, IReadOnlyList<string>? attributes)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("rank_by"u8);
        writer.WriteStringValue("id"u8);
        writer.WriteStringValue("asc"u8);
        writer.WriteEndArray();
        writer.WriteNumber("limit"u8, limit);
        WriteFilter(writer, "filters", filter);
        if (attributes is null)
        {
            writer.WriteBoolean("include_attributes"u8, true);
        }
        else
        {
            writer.WriteStartArray("include_attributes"u8);
            foreach (string attribute in attributes)
            {
                writer.WriteStringValue(attribute);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, Filter filter)
    {
        writer.WriteStartArray();
        switch (filter)
        {
            case AndFilter and:
                WriteOperands(writer, "And", and.Operands);
                break;
            case OrFilter or:
                WriteOperands(writer, "Or", or.Operands);
                break;
            case NotFilter not:
                writer.WriteStringValue("Not"u8);
                Write(writer, not.Operand);
                break;
            case AttributeFilter attribute:
                writer.WriteStringValue(attribute.Attribute);
                writer.WriteStringValue(attribute.Operator.ToString());
                WriteOperand(writer, attribute.Operand);
                break;
        }

        writer.WriteEndArray();
    }

    private static void WriteOperands(Utf8JsonWriter writer, string name, IReadOnlyList<Filter> operands)
    {
        writer.WriteStringValue(name);
        writer.WriteStartArray();
        foreach (var operand in operands)
        {
            Write(writer, operand);
        }

        writer.WriteEndArray();
    }

    private static void WriteOperand(Utf8JsonWriter writer, FilterOperand operand)
    {
        if (operand.RefNew is not { } reference)
        {
            ValueJson.Write(writer, operand.Value);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("$ref_new"u8, reference);
        writer.WriteEndObject();
    }

    private static void WriteFilter(Utf8JsonWriter writer, string name, Filter? filter)
    {
        if (filter is not null)
        {
            writer.WritePropertyName(name);
            Write(writer, filter);
        }
    }

    /// <summary>As columns when all rows have the same attributes, which says every name once.</summary>
    private static void WriteRows(Utf8JsonWriter writer, string operation, IReadOnlyList<DocumentRow> rows, Filter? condition)
    {
        if (rows.Count == 0)
        {
            return;
        }

        if (rows.Count > 1 && AreAlike(rows))
        {
            WriteColumns(writer, operation + "_columns", rows);
        }
        else
        {
            writer.WriteStartArray(operation + "_rows");
            foreach (var row in rows)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("id"u8);
                ValueJson.Write(writer, row.Id);
                foreach (var (name, value) in row.Attributes)
                {
                    writer.WritePropertyName(name);
                    ValueJson.Write(writer, value);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        WriteFilter(writer, operation + "_condition", condition);
    }

    private static bool AreAlike(IReadOnlyList<DocumentRow> rows)
    {
        var first = rows[0].Attributes;
        for (int i = 1; i < rows.Count; i++)
        {
            var attributes = rows[i].Attributes;
            if (attributes.Count != first.Count)
            {
                return false;
            }

            for (int a = 0; a < first.Count; a++)
            {
                if (attributes[a].Key != first[a].Key)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static void WriteColumns(Utf8JsonWriter writer, string name, IReadOnlyList<DocumentRow> rows)
    {
        writer.WriteStartObject(name);
        writer.WriteStartArray("id"u8);
        foreach (var row in rows)
        {
            ValueJson.Write(writer, row.Id);
        }

        writer.WriteEndArray();
        for (int a = 0; a < rows[0].Attributes.Count; a++)
        {
            writer.WriteStartArray(rows[0].Attributes[a].Key);
            foreach (var row in rows)
            {
                ValueJson.Write(writer, row.Attributes[a].Value);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteSchema(Utf8JsonWriter writer, SchemaUpdate schema)
    {
        writer.WriteStartObject();
        foreach (var attribute in schema.Attributes)
        {
            writer.WritePropertyName(attribute.Name);
            if (attribute.Name == "id")
            {
                writer.WriteStringValue(attribute.Type);
                continue;
            }

            WriteDeclaration(writer, attribute);
        }

        writer.WriteEndObject();
    }

    private static void WriteDeclaration(Utf8JsonWriter writer, AttributeUpdate attribute)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, attribute.Type);
        WriteFlag(writer, "filterable", attribute.Filterable);
        WriteFlag(writer, "regex", attribute.Regex);
        WriteFlag(writer, "glob", attribute.Glob);
        WriteFlag(writer, "fuzzy", attribute.Fuzzy);
        if (attribute.Ann is { } ann)
        {
            writer.WritePropertyName("ann"u8);
            WriteAnn(writer, attribute, ann);
        }

        if (attribute.SparseKnn == true)
        {
            writer.WriteStartObject("sparse_knn"u8);
            writer.WriteString("distance_metric"u8, "dot_product"u8);
            writer.WriteEndObject();
        }

        if (attribute.FullText is { } text)
        {
            writer.WritePropertyName("full_text_search"u8);
            WriteFullText(writer, text);
        }

        writer.WriteEndObject();
    }

    private static void WriteAnn(Utf8JsonWriter writer, AttributeUpdate attribute, bool ann)
    {
        if (!ann || attribute.LateInteraction is not { } late)
        {
            writer.WriteBooleanValue(ann);
            return;
        }

        writer.WriteStartObject();
        writer.WriteBoolean("late_interaction"u8, late);
        writer.WriteEndObject();
    }

    private static void WriteFullText(Utf8JsonWriter writer, FullTextUpdate text)
    {
        bool isPlain = !text.Enabled || text == new FullTextUpdate(true);
        if (isPlain)
        {
            writer.WriteBooleanValue(text.Enabled);
            return;
        }

        writer.WriteStartObject();
        WriteText(writer, "tokenizer", text.Tokenizer);
        WriteText(writer, "language", text.Language);
        WriteFlag(writer, "stemming", text.Stemming);
        WriteFlag(writer, "remove_stopwords", text.RemoveStopwords);
        WriteFlag(writer, "case_sensitive", text.CaseSensitive);
        WriteFlag(writer, "ascii_folding", text.AsciiFolding);
        WriteNumber(writer, "max_token_length", text.MaxTokenLength);
        WriteNumber(writer, "k1", text.K1);
        WriteNumber(writer, "b", text.B);
        WriteNumber(writer, "k3", text.K3);
        WriteFlag(writer, "index_prefixes", text.IndexPrefixes);
        writer.WriteEndObject();
    }

    private static void WriteFlag(Utf8JsonWriter writer, string name, bool? flag)
    {
        if (flag is { } given)
        {
            writer.WriteBoolean(name, given);
        }
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, double? number)
    {
        if (number is { } given)
        {
            writer.WriteNumber(name, given);
        }
    }
}
