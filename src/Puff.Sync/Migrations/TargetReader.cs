using System.Text;
using Puff.Engine.Schema;
using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <summary>[target]: the namespace and its declared attributes.</summary>
internal static class TargetReader
{
    private const int MaxAttributes = 1024;

    private static readonly (string, DistanceMetric)[] Metrics =
        [("cosine_distance", DistanceMetric.CosineDistance), ("euclidean_squared", DistanceMetric.EuclideanSquared)];

    public static TargetDefinition Read(SectionReader section, string mapping) => new(
        section.Text("namespace", text => MigrationReader.NamespaceName().IsMatch(text), "1 to 128 of A-Z, a-z, 0-9, -, _ and .") ?? mapping,
        section.Flag("shared") ?? false,
        section.Text("id_prefix"),
        section.Choice("distance_metric", Metrics),
        section.Text("alias"),
        ReadSchema(section));

    private static List<AttributeUpdate>? ReadSchema(SectionReader section)
    {
        if (section.Value("schema") is not { } value)
        {
            return null;
        }

        if (value is not TomlTable table)
        {
            section.Complain("schema", "`target.schema` must be a table, [target.schema]");
            return null;
        }

        if (table.Entries.Count > MaxAttributes)
        {
            section.Complain("schema", $"`target.schema` has {table.Entries.Count} attributes; a namespace has at most {MaxAttributes}");
        }

        SectionReader schema = section.Section("schema");
        return [.. table.Entries.Select(entry => ReadAttribute(schema, entry.Key, entry.Value))];
    }

    private static AttributeUpdate ReadAttribute(SectionReader schema, string name, TomlValue value)
    {
        if (!IsName(name))
        {
            schema.Complain(name, $"the attribute name \"{name}\" is not legal: 1 to 128 bytes, not beginning with $");
        }

        if (value is not TomlTable)
        {
            string? type = schema.Text(name);
            CheckType(schema, name, type);
            return new AttributeUpdate(name) { Type = type, IsShorthand = true };
        }

        SectionReader section = schema.Section(name);
        string? declared = section.Text("type");
        CheckType(section, "type", declared);
        SectionReader? ann = section.Value("ann") is TomlTable ? section.Section("ann") : null;
        SectionReader? sparse = section.Value("sparse_knn") is TomlTable ? section.Section("sparse_knn") : null;
        sparse?.Know("distance_metric");
        return new AttributeUpdate(name)
        {
            Type = declared,
            Filterable = section.Flag("filterable"),
            FullText = ReadFullText(section),
            Regex = section.Flag("regex"),
            Glob = section.Flag("glob"),
            Fuzzy = section.Flag("fuzzy"),
            Ann = ann != null ? true : section.Flag("ann"),
            AnnMetric = ann?.Choice("distance_metric", Metrics),
            LateInteraction = ann?.Flag("late_interaction"),
            SparseKnn = sparse != null ? true : section.Flag("sparse_knn"),
        };
    }

    private static FullTextUpdate? ReadFullText(SectionReader attribute)
    {
        if (attribute.Value("full_text_search") is not TomlTable)
        {
            return attribute.Flag("full_text_search") is { } enabled ? new FullTextUpdate(enabled) : null;
        }

        SectionReader section = attribute.Section("full_text_search");
        return new FullTextUpdate(Enabled: true)
        {
            Tokenizer = section.Text("tokenizer"),
            Language = section.Text("language"),
            Stemming = section.Flag("stemming"),
            RemoveStopwords = section.Flag("remove_stopwords"),
            CaseSensitive = section.Flag("case_sensitive"),
            AsciiFolding = section.Flag("ascii_folding"),
            MaxTokenLength = section.Count("max_token_length", 1),
            K1 = section.Number("k1"),
            B = section.Number("b"),
            K3 = section.Number("k3"),
            IndexPrefixes = section.Flag("index_prefixes"),
        };
    }

    public static bool IsName(string name) => Encoding.UTF8.GetByteCount(name) is >= 1 and <= 128 && name[0] != '$';

    private static void CheckType(SectionReader section, string key, string? type)
    {
        if (type is { Length: > 0 } && !AttributeType.TryParse(type, out _))
        {
            section.Complain(key, $"\"{type}\" is no attribute type; types are string, int, uint, float, bool, uuid, datetime, bytes, []string …, [768]f32");
        }
    }
}
