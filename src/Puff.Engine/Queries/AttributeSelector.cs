using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>`include_attributes` and `exclude_attributes`: which attributes a row carries beside its id.</summary>
internal static class AttributeSelector
{
    /// <summary>In schema order, without the id.</summary>
    public static IReadOnlyList<AttributeDefinition> Bind(NamespaceSchema schema, AttributeSelection selection)
    {
        if (selection.Exclude is not null && (selection.Include is not null || selection.All))
        {
            throw PuffException.Invalid("include_attributes and exclude_attributes cannot be combined; give one of them");
        }

        if (selection.Exclude is { } exclude)
        {
            if (exclude.Contains("id"))
            {
                throw PuffException.Invalid("exclude_attributes: the id cannot be excluded");
            }

            // Unknown names are ignored here: what does not exist is excluded already.
            return schema.Attributes.Where(a => !exclude.Contains(a.Name)).ToArray();
        }

        if (selection.Include is not { } include)
        {
            return selection.All ? schema.Attributes : [];
        }

        foreach (string name in include)
        {
            QueryBinder.Find(schema, name, "include_attributes");
        }

        return schema.Attributes.Where(a => include.Contains(a.Name)).ToArray();
    }
}
