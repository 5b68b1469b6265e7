namespace Puff.Sync.Migrations;

/// <summary>How a column's values are compared.</summary>
internal enum FilterType
{
    /// <summary>Only IS NULL.</summary>
    Other,
    Boolean,
    Integer,
    Single,
    Double,
    Numeric,
    Text,

    /// <summary>char(n): blanks at the end do not count.</summary>
    PaddedText,
    Uuid,
    Date,
    Timestamp,
    TimestampWithZone,
    Time,
    Enumeration,
}

/// <summary>What the catalog says of a column, as far as filters need it.</summary>
/// <param name="Ordinal">In the tuples that are evaluated: the column's place in the table's shape.</param>
/// <param name="TypeName">For messages.</param>
/// <param name="IsKey">Part of the replica identity: sent in old tuples of keys.</param>
/// <param name="IsCollationC">Text is ordered by its bytes.</param>
/// <param name="IsDeterministic">False for collations under which different bytes may be equal.</param>
/// <param name="Labels">Of enumerations, in their order.</param>
internal sealed record FilterColumn(
    string Name, int Ordinal, FilterType Type, string TypeName, bool IsKey = false, bool IsCollationC = false, bool IsDeterministic = true,
    IReadOnlyList<string>? Labels = null)
{
    /// <summary>The type of comparison for a type of the server; domains by their base type.</summary>
    public static FilterType TypeOf(uint typeOid, bool isEnumeration) => typeOid switch
    {
        16 => FilterType.Boolean,
        20 or 21 or 23 => FilterType.Integer,
        700 => FilterType.Single,
        701 => FilterType.Double,
        1700 => FilterType.Numeric,
        25 or 1043 => FilterType.Text,
        1042 => FilterType.PaddedText,
        2950 => FilterType.Uuid,
        1082 => FilterType.Date,
        1083 => FilterType.Time,
        1114 => FilterType.Timestamp,
        1184 => FilterType.TimestampWithZone,
        _ => isEnumeration ? FilterType.Enumeration : FilterType.Other,
    };
}
