namespace Puff.Sync.Changes;

internal enum TypeCategory
{
    /// <summary>Base types, of the server or of extensions.</summary>
    Scalar,
    Enum,
    Domain,
    Array,
    Composite,
    Range,
    Multirange,
}

/// <summary>A type as the catalog knows it (pg_type): what conversion needs beyond the OID that the stream sends.</summary>
/// <param name="Oid">pg_type.oid.</param>
/// <param name="Name">pg_type.typname: "int4", "bpchar", "_text", "citext" …</param>
/// <param name="Category">What kind of type it is.</param>
internal sealed record TypeShape(uint Oid, string Name, TypeCategory Category = TypeCategory.Scalar)
{
    /// <summary>Elements of an array, base of a domain (one step), subtype of a range or multirange.</summary>
    public TypeShape? Inner { get; init; }

    /// <summary>Of domains: the modifier of the base type (pg_type.typtypmod); -1 when it has none.</summary>
    public int InnerModifier { get; init; } = -1;

    /// <summary>Of composite types: the fields in order.</summary>
    public IReadOnlyList<FieldShape> Fields { get; init; } = [];

    /// <summary>Of enums: the labels at the moment of asking; later ones need no restart.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];
}

internal sealed record FieldShape(string Name, TypeShape Type, int TypeModifier = -1);
