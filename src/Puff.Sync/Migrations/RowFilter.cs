namespace Puff.Sync.Migrations;

internal enum FilterComparison { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual }

internal enum FilterLiteralKind { Null, Boolean, Number, Text }

/// <param name="Text">Characters of a text, digits of a number, true or false.</param>
internal sealed record FilterLiteral(FilterLiteralKind Kind, string Text)
{
    public static FilterLiteral Null { get; } = new(FilterLiteralKind.Null, "null");
}

/// <summary>A row filter as written: a subset of SQL's conditions (section 5.3).</summary>
internal abstract record FilterNode
{
    public sealed record And(FilterNode Left, FilterNode Right) : FilterNode;

    public sealed record Or(FilterNode Left, FilterNode Right) : FilterNode;

    public sealed record Not(FilterNode Inner) : FilterNode;

    public sealed record Compare(string Column, FilterComparison Comparison, FilterLiteral Literal) : FilterNode;

    public sealed record IsNull(string Column, bool IsNegated) : FilterNode;

    public sealed record In(string Column, bool IsNegated, IReadOnlyList<FilterLiteral> Literals) : FilterNode;

    public sealed record Between(string Column, bool IsNegated, FilterLiteral Low, FilterLiteral High) : FilterNode;

    public sealed record IsTrue(string Column) : FilterNode;
}

/// <summary>A parsed `where`. To evaluate it or to write it as SQL it is bound to the types of a table's columns.</summary>
internal sealed class RowFilter
{
    private RowFilter(FilterNode root, IReadOnlyList<string> columns)
    {
        Root = root;
        Columns = columns;
    }

    public FilterNode Root { get; }

    /// <summary>In the order of their first use: they have to be read.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <exception cref="SyncException">filter_invalid: what was expected, and at which character.</exception>
    public static RowFilter Parse(string text)
    {
        var parser = new FilterParser(text);
        return new RowFilter(parser.Parse(), parser.Columns);
    }

    /// <summary>Checks the filter against the table's columns and converts its literals to their types.</summary>
    /// <param name="table">"public.posts", for messages.</param>
    /// <exception cref="SyncException">column_not_found, filter_invalid.</exception>
    public BoundFilter Bind(string table, IReadOnlyList<FilterColumn> columns) => FilterBinder.Bind(this, table, columns);
}
