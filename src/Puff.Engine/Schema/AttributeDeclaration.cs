namespace Puff.Engine.Schema;

/// <summary>
/// Turns one declaration of a request's `schema` into the attribute's definition (turbopuffer-api 2.6, 2.9). Knows nothing of other attributes.
/// </summary>
internal static class AttributeDeclaration
{
    /// <param name="existing">The definition so far; null for a new attribute.</param>
    /// <param name="newId">The number a new attribute gets.</param>
    public static AttributeDefinition Apply(AttributeDefinition? existing, AttributeUpdate update, int newId)
    {
        RefuseEmbedding(update);
        var type = ParseType(update);
        CheckType(existing, update, type);
        CheckTextOptions(update, type);
        CheckVectorOptions(existing, update, type);
        var definition = existing is null ? new AttributeDefinition(newId, update.Name, type) : existing with { Type = type };
        if (update.IsShorthand && existing is not null)
        {
            return definition with { FullText = null, Regex = false, Glob = false, Fuzzy = false };
        }

        definition = definition with
        {
            FullText = update.FullText is null ? definition.FullText : FullTextDeclaration.Apply(update.Name, type, definition.FullText, update.FullText),
            Regex = update.Regex ?? definition.Regex,
            Glob = update.Glob ?? definition.Glob,
            Fuzzy = update.Fuzzy ?? definition.Fuzzy,
            Ann = update.Ann ?? definition.Ann,
            LateInteraction = update.LateInteraction ?? definition.LateInteraction,
            SparseKnn = update.SparseKnn ?? definition.SparseKnn,
        };
        bool filterableByDefault = existing?.Filterable ?? (type.CanFilter && !HasSearchIndex(definition));
        return definition with { Filterable = update.Filterable ?? filterableByDefault };
    }

    public static AttributeType ParseType(AttributeUpdate update)
    {
        if (update.Type is null)
        {
            throw PuffException.Malformed($"schema of attribute \"{update.Name}\": missing field `type`");
        }

        return AttributeTypeText.Read(update.Type, out var type) switch
        {
            AttributeTypeText.Outcome.Read => type,
            AttributeTypeText.Outcome.DimensionsOutOfRange => throw PuffException.Invalid(
                $"attribute \"{update.Name}\": the dimensions of {update.Type} are out of range; a dense vector has 1 to {AttributeType.MaxDimensions}, "
                + $"a vector of a multi-vector 1 to {AttributeType.MaxMultiVectorDimensions}"),
            _ => throw PuffException.Malformed($"attribute \"{update.Name}\": unknown type `{update.Type}`"),
        };
    }

    public static void RefuseEmbedding(AttributeUpdate update)
    {
        if (update.Embed)
        {
            throw PuffException.Invalid(
                $"attribute \"{update.Name}\": embed is not available because this server has no embedding model; send vectors instead");
        }
    }

    private static bool HasSearchIndex(AttributeDefinition definition) =>
        definition.FullText is not null || definition.Regex || definition.Glob || definition.Fuzzy;

    private static void CheckType(AttributeDefinition? existing, AttributeUpdate update, AttributeType type)
    {
        if (existing is not null && existing.Type != type && !(existing.Type.Kind == TypeKind.UnknownArray && type.IsArray))
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {existing.Type} and cannot become a {type}: the type of an attribute never changes");
        }

        if (existing is null && type.Kind == TypeKind.UnknownArray)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\": declare the element type of the array, such as []string");
        }

        if (update.Filterable == true && !type.CanFilter)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}, which cannot be filterable");
        }
    }

    private static void CheckTextOptions(AttributeUpdate update, AttributeType type)
    {
        if (type.Kind is TypeKind.String or TypeKind.StringArray)
        {
            return;
        }

        string? option = update.Regex == true ? "regex" : update.Glob == true ? "glob" : update.Fuzzy == true ? "fuzzy" : null;
        if (option is not null)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}: {option} is for string and []string attributes");
        }
    }

    private static void CheckVectorOptions(AttributeDefinition? existing, AttributeUpdate update, AttributeType type)
    {
        if (type.IsDenseVector && !(update.Ann ?? existing?.Ann ?? false))
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}: a dense vector attribute needs ann: true");
        }

        if ((update.Ann == true || update.AnnMetric is not null) && !type.IsDenseVector && !type.IsMultiVector)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}: ann is for vector attributes");
        }

        if (update.LateInteraction == true && !type.IsMultiVector)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}: late_interaction is for multi-vector attributes such as [][128]f32");
        }

        if (update.SparseKnn == true && !type.IsSparse)
        {
            throw PuffException.Invalid($"attribute \"{update.Name}\" is a {type}: sparse_knn is for {{}}f16 attributes");
        }
    }
}
