using System.Text.Json;
using Puff.Engine.Schema;

namespace Puff.Sync.Transforms;

/// <summary>The `schema` that a module exports: attribute name → type string or object, as in [target.schema].</summary>
internal static class SchemaReader
{
    /// <summary>Throws <see cref="FormatException"/> naming the attribute and the key.</summary>
    public static SchemaUpdate Read(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("`schema` must be an object from attribute names to types");
        }

        return new SchemaUpdate([.. schema.EnumerateObject().Select(each => Attribute(each.Name, each.Value))]);
    }

    private static AttributeUpdate Attribute(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return new AttributeUpdate(name) { Type = value.GetString(), IsShorthand = true };
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"schema of {name}: a type or an object is needed");
        }

        var update = new AttributeUpdate(name);
        foreach (var key in value.EnumerateObject())
        {
            string place = $"schema of {name}: {key.Name}";
            update = key.Name switch
            {
                "type" => update with { Type = Text(key.Value, place) },
                "filterable" => update with { Filterable = Flag(key.Value, place) },
                "regex" => update with { Regex = Flag(key.Value, place) },
                "glob" => update with { Glob = Flag(key.Value, place) },
                "fuzzy" => update with { Fuzzy = Flag(key.Value, place) },
                "ann" => Ann(key.Value, place, update),
                "sparse_knn" => update with { SparseKnn = key.Value.ValueKind == JsonValueKind.Object || Flag(key.Value, place) },
                "full_text_search" => update with { FullText = FullText(key.Value, place) },
                _ => throw new FormatException($"schema of {name}: unknown key {key.Name}"),
            };
        }

        return update;
    }

    private static AttributeUpdate Ann(JsonElement value, string place, AttributeUpdate update)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return update with { Ann = Flag(value, place) };
        }

        update = update with { Ann = true };
        foreach (var key in value.EnumerateObject())
        {
            update = key.Name switch
            {
                "distance_metric" => update with { AnnMetric = Metric(Text(key.Value, place), place) },
                "late_interaction" => update with { LateInteraction = Flag(key.Value, place) },
                _ => throw new FormatException($"{place}: unknown key {key.Name}"),
            };
        }

        return update;
    }

    private static DistanceMetric Metric(string text, string place) => text switch
    {
        "cosine_distance" => DistanceMetric.CosineDistance,
        "euclidean_squared" => DistanceMetric.EuclideanSquared,
        _ => throw new FormatException($"{place}: {text} is no metric; cosine_distance, euclidean_squared"),
    };

    private static FullTextUpdate FullText(JsonElement value, string place)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return new FullTextUpdate(Flag(value, place));
        }

        var update = new FullTextUpdate(Enabled: true);
        foreach (var key in value.EnumerateObject())
        {
            update = key.Name switch
            {
                "tokenizer" => update with { Tokenizer = Text(key.Value, place) },
                "language" => update with { Language = Text(key.Value, place) },
                "stemming" => update with { Stemming = Flag(key.Value, place) },
                "remove_stopwords" => update with { RemoveStopwords = Flag(key.Value, place) },
                "case_sensitive" => update with { CaseSensitive = Flag(key.Value, place) },
                "ascii_folding" => update with { AsciiFolding = Flag(key.Value, place) },
                "index_prefixes" => update with { IndexPrefixes = Flag(key.Value, place) },
                "max_token_length" => update with { MaxTokenLength = (int)Number(key.Value, place) },
                "k1" => update with { K1 = Number(key.Value, place) },
                "b" => update with { B = Number(key.Value, place) },
                "k3" => update with { K3 = Number(key.Value, place) },
                _ => throw new FormatException($"{place}: unknown key {key.Name}"),
            };
        }

        return update;
    }

    private static string Text(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new FormatException($"{place} must be a text");

    private static bool Flag(JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new FormatException($"{place} must be true or false"),
    };

    private static double Number(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw new FormatException($"{place} must be a number");
}
