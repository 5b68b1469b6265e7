using Puff.Sync.Changes;

namespace Puff.Sync.Migrations;

/// <summary>SQL's three values, and what cannot be told because a column was not sent.</summary>
internal enum FilterOutcome : byte
{
    False,
    True,
    Null,

    /// <summary>The row has to be read.</summary>
    NotSent,
}

/// <summary>A filter over the columns of one table at one time.</summary>
internal sealed class BoundFilter
{
    private readonly FilterPredicate root;

    internal BoundFilter(FilterPredicate root, string sql, bool canPush)
    {
        this.root = root;
        Sql = sql;
        CanPush = canPush;
    }

    /// <summary>The condition for a publication's row filter and for pages: same meaning, names and literals written so that no setting changes it.</summary>
    public string Sql { get; }

    /// <summary>Publications take conditions over built-in types only.</summary>
    public bool CanPush { get; }

    /// <summary>A row belongs when this is <see cref="FilterOutcome.True"/>; <see cref="FilterOutcome.NotSent"/> asks for a re-read.</summary>
    /// <param name="kind">Of old tuples: of a key only the identity's columns are known. <see cref="OldTupleKind.None"/> for new rows.</param>
    public FilterOutcome Evaluate(in RowTuple row, OldTupleKind kind = OldTupleKind.None) => root.Evaluate(row, kind == OldTupleKind.Key);
}

internal abstract class FilterPredicate
{
    public abstract FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly);
}

internal sealed class AndPredicate(FilterPredicate left, FilterPredicate right) : FilterPredicate
{
    public override FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly)
    {
        FilterOutcome first = left.Evaluate(row, isKeyOnly);
        if (first == FilterOutcome.False)
        {
            return first;
        }

        FilterOutcome second = right.Evaluate(row, isKeyOnly);
        return second == FilterOutcome.False ? second : (FilterOutcome)Math.Max((byte)first, (byte)second);
    }
}

internal sealed class OrPredicate(FilterPredicate left, FilterPredicate right) : FilterPredicate
{
    public override FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly)
    {
        FilterOutcome first = left.Evaluate(row, isKeyOnly);
        if (first == FilterOutcome.True)
        {
            return first;
        }

        FilterOutcome second = right.Evaluate(row, isKeyOnly);
        return second == FilterOutcome.True ? second : first == FilterOutcome.False ? second : second == FilterOutcome.False ? first
            : (FilterOutcome)Math.Max((byte)first, (byte)second);
    }
}

internal sealed class NotPredicate(FilterPredicate inner) : FilterPredicate
{
    public override FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly) => inner.Evaluate(row, isKeyOnly) switch
    {
        FilterOutcome.True => FilterOutcome.False,
        FilterOutcome.False => FilterOutcome.True,
        var other => other,
    };
}

/// <summary>A condition over one column; null where the value is null unless the condition is about that.</summary>
internal abstract class ColumnPredicate(FilterColumn column) : FilterPredicate
{
    public override FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly)
    {
        if (isKeyOnly && !column.IsKey)
        {
            return FilterOutcome.NotSent;
        }

        return row[column.Ordinal] switch
        {
            ColumnState.Null => OfNull,
            ColumnState.Text => OfText(row.Bytes(column.Ordinal)),
            _ => OfUnsent,
        };
    }

    protected virtual FilterOutcome OfNull => FilterOutcome.Null;

    protected virtual FilterOutcome OfUnsent => FilterOutcome.NotSent;

    protected abstract FilterOutcome OfText(ReadOnlySpan<byte> text);
}

internal sealed class IsNullPredicate(FilterColumn column, bool isNegated) : ColumnPredicate(column)
{
    protected override FilterOutcome OfNull => isNegated ? FilterOutcome.False : FilterOutcome.True;

    // What was stored out of line and not sent, or sent in binary form, is not null.
    protected override FilterOutcome OfUnsent => isNegated ? FilterOutcome.True : FilterOutcome.False;

    protected override FilterOutcome OfText(ReadOnlySpan<byte> text) => OfUnsent;
}

internal sealed class IsTruePredicate(FilterColumn column) : ColumnPredicate(column)
{
    protected override FilterOutcome OfText(ReadOnlySpan<byte> text) => text is [(byte)'t', ..] ? FilterOutcome.True : FilterOutcome.False;
}

/// <summary>A comparison with null: null whatever the row.</summary>
internal sealed class NullPredicate : FilterPredicate
{
    public override FilterOutcome Evaluate(in RowTuple row, bool isKeyOnly) => FilterOutcome.Null;
}

internal sealed class ComparePredicate(FilterColumn column, FilterComparison comparison, FilterOperand operand) : ColumnPredicate(column)
{
    protected override FilterOutcome OfText(ReadOnlySpan<byte> text)
    {
        int order = operand.CompareTo(text);
        bool holds = comparison switch
        {
            FilterComparison.Equal => order == 0,
            FilterComparison.NotEqual => order != 0,
            FilterComparison.Less => order < 0,
            FilterComparison.LessOrEqual => order <= 0,
            FilterComparison.Greater => order > 0,
            _ => order >= 0,
        };
        return holds ? FilterOutcome.True : FilterOutcome.False;
    }
}

/// <param name="hasNull">A null among the literals: what is not found is then unknown.</param>
internal sealed class InPredicate(FilterColumn column, IReadOnlyList<FilterOperand> operands, bool hasNull) : ColumnPredicate(column)
{
    protected override FilterOutcome OfText(ReadOnlySpan<byte> text)
    {
        foreach (FilterOperand operand in operands)
        {
            if (operand.CompareTo(text) == 0)
            {
                return FilterOutcome.True;
            }
        }

        return hasNull ? FilterOutcome.Null : FilterOutcome.False;
    }
}
