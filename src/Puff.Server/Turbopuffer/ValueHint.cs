using Puff.Engine.Schema;

namespace Puff.Server.Turbopuffer;

/// <summary>What a parser may expect under a name, so that vectors are read as vectors at once. Only a hint: the schema coerces every value.</summary>
internal enum ValueHint
{
    None,

    /// <summary>Declared as a dense vector: number arrays and base64 strings are 32-bit floats.</summary>
    Dense,

    /// <summary>Declared as a multi-vector: base64 strings inside the array are vectors.</summary>
    Multi,

    /// <summary>Undeclared, but named `vector`: number arrays are 32-bit floats; a string may still be a string.</summary>
    NamedVector,
}

/// <summary>Collects hints from what is known about a namespace and from the request's own schema.</summary>
internal static class ValueHints
{
    public const string VectorName = "vector";

    public static ValueHint Of(string name, NamespaceSchema? known, SchemaUpdate? declared)
    {
        if (known?.Find(name) is { } attribute)
        {
            return attribute.Type.IsDenseVector ? ValueHint.Dense : attribute.Type.IsMultiVector ? ValueHint.Multi : ValueHint.None;
        }

        foreach (var update in declared?.Attributes ?? [])
        {
            if (update.Name == name && update.Type is { } type)
            {
                return OfTypeText(type);
            }
        }

        return name == VectorName ? ValueHint.NamedVector : ValueHint.None;
    }

    /// <summary>"[768]f32" is dense, "[][128]f16" multi; whether the type is valid is decided elsewhere.</summary>
    private static ValueHint OfTypeText(string type)
    {
        if (type.StartsWith("[][", StringComparison.Ordinal))
        {
            return ValueHint.Multi;
        }

        return type.Length > 1 && type[0] == '[' && char.IsAsciiDigit(type[1]) ? ValueHint.Dense : ValueHint.None;
    }
}
