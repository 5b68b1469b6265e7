using System.Text;
using Puff.Engine.Schema;

namespace Puff.Sync.Migrations;

/// <summary>Rules over one whole definition that need no database (section 5.2).</summary>
internal static class DefinitionRules
{
    private const int MaxDenseVectors = 2;

    public static void Check(MappingDefinition definition, MigrationContent content, SectionReader root, ConfigProblems problems)
    {
        CheckColumns(definition, root, problems);
        CheckVectors(definition, root, problems);
        CheckTarget(definition, root, problems);
        CheckProvenance(definition, root, problems);
        if (definition.Source.Where is { } where)
        {
            try
            {
                RowFilter.Parse(where);
            }
            catch (SyncException error)
            {
                problems.Add(root.Section("source").LineOf("where"), error.Code, error.Message, error.Remedy);
            }
        }

        if (content.Error is { } broken && definition.Transform.Kind == TransformKind.TypeScript)
        {
            problems.Add(0, broken.Code, broken.Message, broken.Remedy);
        }
    }

    /// <summary>Columns that are named somewhere are among those that are read, when these are listed.</summary>
    private static void CheckColumns(MappingDefinition definition, SectionReader root, ConfigProblems problems)
    {
        if (definition.Source.Columns is not { } listed)
        {
            return;
        }

        IReadOnlyList<string> readable = [.. listed, .. definition.Id.Columns ?? []];
        (string Section, string Key, IEnumerable<string> Columns)[] uses =
        [
            ("attributes", "rename", definition.Attributes.Rename.Keys), ("attributes", "types", definition.Attributes.Types.Keys),
            ("attributes", "drop", definition.Attributes.Drop), ("transform", "needs", definition.Transform.Needs ?? []),
            ("transform", "recompute_on", definition.Transform.RecomputeOn ?? []), ("embed", "from", definition.Embed?.From ?? []),
        ];
        foreach (var (section, key, columns) in uses)
        {
            foreach (string column in columns.Where(column => !readable.Contains(column) && definition.Id.Columns != null))
            {
                string meant = Suggestion.For(column, readable) is { } nearest ? $", did you mean `{nearest}`?" : "";
                problems.Add(root.Section(section).LineOf(key), $"`{section}.{key}` names {column}, which is not in `source.columns`{meant}");
            }
        }
    }

    private static void CheckVectors(MappingDefinition definition, SectionReader root, ConfigProblems problems)
    {
        var vectors = (definition.Target.Schema ?? []).Where(IsDenseVector).Select(one => one.Name)
            .Union(definition.Embed is { } embed ? [embed.Attribute] : []).ToList();
        SectionReader target = root.Section("target");
        if (vectors.Count > MaxDenseVectors)
        {
            problems.Add(target.LineOf("schema"), $"{string.Join(", ", vectors)} are {vectors.Count} dense vectors; a namespace has at most {MaxDenseVectors}");
        }

        bool hasOwnMetrics = (definition.Target.Schema ?? []).Where(IsDenseVector).All(one => one.AnnMetric != null) && definition.Embed is null;
        if (vectors.Count > 0 && definition.Target.Metric is null && !hasOwnMetrics)
        {
            problems.Add(
                target.Line, "vector_metric_missing", $"the mapping writes the vector {vectors[0]}; set [target] distance_metric",
                "distance_metric = \"cosine_distance\" or \"euclidean_squared\"");
        }
    }

    private static void CheckTarget(MappingDefinition definition, SectionReader root, ConfigProblems problems)
    {
        SectionReader target = root.Section("target");
        if (definition.Target.Shared && (definition.Target.IdPrefix is null || definition.Id.Type != IdType.String))
        {
            problems.Add(target.LineOf("shared"), "a shared namespace needs disjoint ids: [id] type = \"string\" and [target] id_prefix");
        }

        if (definition.Target.IdPrefix is { } prefix && (definition.Id.Type != IdType.String || Encoding.UTF8.GetByteCount(prefix) > 48))
        {
            problems.Add(target.LineOf("id_prefix"), "`target.id_prefix` needs [id] type = \"string\" and has at most 48 bytes");
        }

        foreach (var (column, attribute) in definition.Attributes.Rename)
        {
            if (!TargetReader.IsName(attribute) || attribute == "id")
            {
                problems.Add(root.Section("attributes").LineOf("rename"),
                    $"{column} cannot be renamed to \"{attribute}\": 1 to 128 bytes, not `id`, not beginning with $");
            }
        }

        foreach (var (column, type) in definition.Attributes.Types)
        {
            if (!AttributeType.TryParse(type, out _))
            {
                problems.Add(root.Section("attributes").LineOf("types"), $"\"{type}\" of column {column} is no attribute type");
            }
        }

        foreach (var group in definition.Attributes.Rename.GroupBy(pair => pair.Value).Where(group => group.Count() > 1))
        {
            string columns = string.Join(" and ", group.Select(pair => pair.Key));
            problems.Add(root.Section("attributes").LineOf("rename"), $"{columns} have the same attribute {group.Key}");
        }
    }

    /// <summary>What the sync writes itself has its own names.</summary>
    private static void CheckProvenance(MappingDefinition definition, SectionReader root, ConfigProblems problems)
    {
        IEnumerable<string> written = (definition.Source.Columns ?? []).Select(column => definition.Attributes.Rename.GetValueOrDefault(column, column))
            .Concat(definition.Attributes.Rename.Values).Concat((definition.Target.Schema ?? []).Select(one => one.Name));
        foreach (string attribute in written.Distinct().Where(one => one == definition.VersionAttribute || one == definition.RowHashAttribute))
        {
            problems.Add(root.Section("version").Line, $"the attribute {attribute} is the sync's own and a column's; name another in [version]");
        }

        if (definition.VersionAttribute is { } version && (version == definition.RowHashAttribute || !TargetReader.IsName(version)))
        {
            problems.Add(root.Section("version").Line, $"[version] attribute \"{version}\" is no attribute name, or the name of row_hash as well");
        }
    }

    private static bool IsDenseVector(AttributeUpdate attribute) =>
        attribute.Type is { } text && AttributeType.TryParse(text, out AttributeType type) && type.IsDenseVector;
}
