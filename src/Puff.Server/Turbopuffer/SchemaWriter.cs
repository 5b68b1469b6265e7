using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// The two reports of a schema (turbopuffer-api 2.8). The schema endpoint names three keys for every attribute, null where they have no meaning;
/// inside metadata nothing is null, and vectors say their metric.
/// </summary>
internal static class SchemaWriter
{
    /// <summary>The form of GET and POST …/schema.</summary>
    public static void WriteReport(JsonOutput output, NamespaceSchema schema)
    {
        output.BeginObject();
        foreach (var attribute in AllOf(schema))
        {
            output.Name(attribute.Name);
            output.BeginObject();
            WriteType(output, attribute);
            if (IsVector(attribute) && attribute.Ann)
            {
                output.Name("ann"u8);
                output.Bool(true);
            }

            output.Name("filterable"u8);
            if (HasNoFilterable(attribute))
            {
                output.Null();
            }
            else
            {
                output.Bool(attribute.Filterable);
            }

            output.Name("full_text_search"u8);
            WriteFullText(output, attribute.FullText);
            WriteSearchOptions(output, attribute);
            output.EndObject();
        }

        output.EndObject();
    }

    /// <summary>The form inside metadata.</summary>
    public static void WriteForMetadata(JsonOutput output, NamespaceSchema schema)
    {
        output.BeginObject();
        foreach (var attribute in AllOf(schema))
        {
            output.Name(attribute.Name);
            output.BeginObject();
            WriteType(output, attribute);
            WriteAnn(output, schema, attribute);
            if (!HasNoFilterable(attribute))
            {
                output.Name("filterable"u8);
                output.Bool(attribute.Filterable);
            }

            if (attribute.FullText is not null)
            {
                output.Name("full_text_search"u8);
                WriteFullText(output, attribute.FullText);
            }

            WriteSearchOptions(output, attribute);
            if (attribute.SparseKnn)
            {
                output.Name("sparse_knn"u8);
                output.BeginObject();
                output.Name("distance_metric"u8);
                output.Text("dot_product"u8);
                output.EndObject();
            }

            output.EndObject();
        }

        output.EndObject();
    }

    public static string MetricName(DistanceMetric metric) => metric switch
    {
        DistanceMetric.CosineDistance => "cosine_distance",
        DistanceMetric.EuclideanSquared => "euclidean_squared",
        _ => throw new InvalidOperationException($"the metric {metric} has no wire name"),
    };

    private static IEnumerable<AttributeDefinition> AllOf(NamespaceSchema schema) => schema.Attributes.Prepend(schema.IdAttribute);

    private static bool IsVector(AttributeDefinition attribute) => attribute.Type.IsDenseVector || attribute.Type.IsMultiVector;

    /// <summary>The id and the attribute called `vector` report no `filterable`; vectors of other names report false.</summary>
    private static bool HasNoFilterable(AttributeDefinition attribute) =>
        attribute.Id == 0 || attribute.Type.IsDenseVector && attribute.Name == ValueHints.VectorName;

    private static void WriteType(JsonOutput output, AttributeDefinition attribute)
    {
        output.Name("type"u8);
        output.Text(attribute.Type.ToString());
    }

    private static void WriteAnn(JsonOutput output, NamespaceSchema schema, AttributeDefinition attribute)
    {
        if (!IsVector(attribute) || !attribute.Ann)
        {
            return;
        }

        output.Name("ann"u8);
        output.BeginObject();
        if (schema.Metric is { } metric)
        {
            output.Name("distance_metric"u8);
            output.Text(MetricName(metric));
        }

        if (attribute.LateInteraction)
        {
            output.Name("late_interaction"u8);
            output.Bool(true);
        }

        output.EndObject();
    }

    private static void WriteSearchOptions(JsonOutput output, AttributeDefinition attribute)
    {
        WriteIfTrue(output, "regex"u8, attribute.Regex);
        WriteIfTrue(output, "glob"u8, attribute.Glob);
        WriteIfTrue(output, "fuzzy"u8, attribute.Fuzzy);
    }

    private static void WriteIfTrue(JsonOutput output, ReadOnlySpan<byte> name, bool value)
    {
        if (value)
        {
            output.Name(name);
            output.Bool(true);
        }
    }

    /// <summary>Null, or all ten keys.</summary>
    private static void WriteFullText(JsonOutput output, FullTextSettings? settings)
    {
        if (settings is null)
        {
            output.Null();
            return;
        }

        output.BeginObject();
        output.Name("k1"u8);
        output.Number(settings.K1);
        output.Name("k3"u8);
        output.Number(settings.K3);
        output.Name("b"u8);
        output.Number(settings.B);
        output.Name("language"u8);
        output.Text(settings.Language);
        output.Name("stemming"u8);
        output.Bool(settings.Stemming);
        output.Name("max_token_length"u8);
        output.Number((long)settings.MaxTokenLength);
        output.Name("remove_stopwords"u8);
        output.Bool(settings.RemoveStopwords);
        output.Name("ascii_folding"u8);
        output.Bool(settings.AsciiFolding);
        output.Name("case_sensitive"u8);
        output.Bool(settings.CaseSensitive);
        output.Name("tokenizer"u8);
        output.Text(settings.Tokenizer);
        output.EndObject();
    }
}
