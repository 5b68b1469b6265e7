using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`schema` (turbopuffer-api 2.6): a map from attribute names to a type string or an object. Types and ranges are checked by the engine.</summary>
internal static class SchemaParser
{
    /// <summary>The body of POST …/schema: the bare map.</summary>
    public static SchemaUpdate Parse(ReadOnlySpan<byte> body) => JsonBody.Parse(body, 0, static (ref cursor, _) => Read(ref cursor));

    public static SchemaUpdate Read(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "schema");
        var updates = new List<AttributeUpdate>();
        var positions = new Dictionary<string, int>(StringComparer.Ordinal);
        while (cursor.ReadName())
        {
            string name = cursor.GetText();
            cursor.Read();
            var update = ReadAttribute(ref cursor, name);

            // Of repeated names the last counts.
            if (positions.TryGetValue(name, out int position))
            {
                updates[position] = update;
                continue;
            }

            positions.Add(name, updates.Count);
            updates.Add(update);
        }

        return new SchemaUpdate(updates);
    }

    public static DistanceMetric? ReadMetric(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        string text = JsonShape.ReadText(ref cursor, field);
        return text switch
        {
            "cosine_distance" => DistanceMetric.CosineDistance,
            "euclidean_squared" => DistanceMetric.EuclideanSquared,
            _ => throw JsonShape.UnknownVariant(field, text, "cosine_distance", "euclidean_squared"),
        };
    }

    private static AttributeUpdate ReadAttribute(ref JsonCursor cursor, string name)
    {
        string field = $"schema of attribute \"{name}\"";
        if (cursor.Token == JsonTokenType.String)
        {
            return new AttributeUpdate(name) { Type = cursor.GetText(), IsShorthand = true };
        }

        JsonShape.ExpectObject(ref cursor, field, "a type string or a map");
        var update = new AttributeUpdate(name);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            update = ReadKey(ref cursor, field, key, update);
        }

        return update;
    }

    private static AttributeUpdate ReadKey(ref JsonCursor cursor, string field, string key, AttributeUpdate update) => key switch
    {
        "type" => update with { Type = JsonShape.ReadText(ref cursor, $"{field}: type") },
        "filterable" => update with { Filterable = JsonShape.ReadOptionalBool(ref cursor, $"{field}: filterable") },
        "full_text_search" => update with { FullText = ReadFullText(ref cursor, $"{field}: full_text_search") },
        "regex" => update with { Regex = JsonShape.ReadOptionalBool(ref cursor, $"{field}: regex") },
        "glob" => update with { Glob = JsonShape.ReadOptionalBool(ref cursor, $"{field}: glob") },
        "fuzzy" => update with { Fuzzy = JsonShape.ReadOptionalBool(ref cursor, $"{field}: fuzzy") },
        "ann" => ReadAnn(ref cursor, $"{field}: ann", update),
        "sparse_knn" => update with { SparseKnn = ReadSparseKnn(ref cursor, $"{field}: sparse_knn") },
        "embed" => update with { Embed = ReadEmbed(ref cursor) },
        _ => throw PuffException.Invalid($"{field}: unknown key \"{key}\""),
    };

    private static AttributeUpdate ReadAnn(ref JsonCursor cursor, string field, AttributeUpdate update)
    {
        if (cursor.Token != JsonTokenType.StartObject)
        {
            return update with { Ann = JsonShape.ReadOptionalBool(ref cursor, field) };
        }

        update = update with { Ann = true };
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "distance_metric":
                    update = update with { AnnMetric = ReadMetric(ref cursor, field) };
                    break;
                case "late_interaction":
                    update = update with { LateInteraction = JsonShape.ReadOptionalBool(ref cursor, field) };
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        return update;
    }

    private static bool? ReadSparseKnn(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            if (key != "distance_metric")
            {
                throw PuffException.Invalid($"{field}: unknown key \"{key}\"");
            }

            string metric = JsonShape.ReadText(ref cursor, field);
            if (metric != "dot_product")
            {
                throw JsonShape.UnknownVariant(field, metric, "dot_product");
            }
        }

        return true;
    }

    /// <summary>Only whether one was given: an engine without models refuses every one of them.</summary>
    private static bool ReadEmbed(ref JsonCursor cursor)
    {
        bool given = !cursor.IsNull;
        cursor.Skip();
        return given;
    }

    private static FullTextUpdate? ReadFullText(ref JsonCursor cursor, string field)
    {
        if (cursor.Token != JsonTokenType.StartObject)
        {
            return JsonShape.ReadOptionalBool(ref cursor, field) is { } enabled ? new FullTextUpdate(enabled) : null;
        }

        var update = new FullTextUpdate(Enabled: true);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();

            // A key that is null counts as not mentioned.
            if (cursor.IsNull)
            {
                continue;
            }

            update = ReadFullTextKey(ref cursor, field, key, update);
        }

        return update;
    }

    private static FullTextUpdate ReadFullTextKey(ref JsonCursor cursor, string field, string key, FullTextUpdate update) => key switch
    {
        "tokenizer" => update with { Tokenizer = JsonShape.ReadText(ref cursor, key) },
        "language" => update with { Language = JsonShape.ReadText(ref cursor, key) },
        "stemming" => update with { Stemming = JsonShape.ReadBool(ref cursor, key) },
        "remove_stopwords" => update with { RemoveStopwords = JsonShape.ReadBool(ref cursor, key) },
        "case_sensitive" => update with { CaseSensitive = JsonShape.ReadBool(ref cursor, key) },
        "ascii_folding" => update with { AsciiFolding = JsonShape.ReadBool(ref cursor, key) },
        "max_token_length" => update with { MaxTokenLength = (int)Math.Min(JsonShape.ReadCount(ref cursor, key), int.MaxValue) },
        "k1" => update with { K1 = JsonShape.ReadNumber(ref cursor, key) },
        "b" => update with { B = JsonShape.ReadNumber(ref cursor, key) },
        "k3" => update with { K3 = JsonShape.ReadNumber(ref cursor, key) },
        "index_prefixes" => update with { IndexPrefixes = JsonShape.ReadBool(ref cursor, key) },
        _ => throw PuffException.Invalid($"{field}: unknown key \"{key}\""),
    };
}
