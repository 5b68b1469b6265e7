using System.Globalization;

namespace Puff.Sync.Migrations;

/// <summary>From a filter and a table's columns to predicates and SQL; refuses what the server would refuse or would judge differently.</summary>
internal sealed class FilterBinder
{
    private readonly string table;
    private readonly Dictionary<string, FilterColumn> columns;
    private bool canPush = true;

    private FilterBinder(string table, IReadOnlyList<FilterColumn> columns)
    {
        this.table = table;
        this.columns = columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
    }

    public static BoundFilter Bind(RowFilter filter, string table, IReadOnlyList<FilterColumn> columns)
    {
        var binder = new FilterBinder(table, columns);
        var (predicate, sql) = binder.Bind(filter.Root);
        return new BoundFilter(predicate, sql, binder.canPush);
    }

    private (FilterPredicate Predicate, string Sql) Bind(FilterNode node)
    {
        switch (node)
        {
            case FilterNode.And and:
                var (left, leftSql) = Bind(and.Left);
                var (right, rightSql) = Bind(and.Right);
                return (new AndPredicate(left, right), $"({leftSql} AND {rightSql})");
            case FilterNode.Or or:
                var (first, firstSql) = Bind(or.Left);
                var (second, secondSql) = Bind(or.Right);
                return (new OrPredicate(first, second), $"({firstSql} OR {secondSql})");
            case FilterNode.Not not:
                var (inner, innerSql) = Bind(not.Inner);
                return (new NotPredicate(inner), $"(NOT {innerSql})");
            case FilterNode.IsTrue bare:
                FilterColumn flag = Column(bare.Column);
                return flag.Type == FilterType.Boolean
                    ? (new IsTruePredicate(flag), Quote(flag.Name))
                    : throw Wrong($"{bare.Column} is {flag.TypeName}; a column that stands alone must be boolean");
            case FilterNode.IsNull isNull:
                FilterColumn any = Column(isNull.Column);
                return (new IsNullPredicate(any, isNull.IsNegated), $"({Quote(any.Name)} IS {(isNull.IsNegated ? "NOT " : "")}NULL)");
            case FilterNode.Compare compare:
                return BindCompare(compare);
            case FilterNode.Between between:
                return BindBetween(between);
            default:
                return BindIn((FilterNode.In)node);
        }
    }

    private (FilterPredicate, string) BindCompare(FilterNode.Compare compare)
    {
        FilterColumn column = Column(compare.Column);
        bool isOrder = compare.Comparison is not (FilterComparison.Equal or FilterComparison.NotEqual);
        CheckComparable(column, isOrder);
        string mark = compare.Comparison switch
        {
            FilterComparison.Equal => "=",
            FilterComparison.NotEqual => "<>",
            FilterComparison.Less => "<",
            FilterComparison.LessOrEqual => "<=",
            FilterComparison.Greater => ">",
            _ => ">=",
        };
        if (compare.Literal.Kind == FilterLiteralKind.Null)
        {
            return (new NullPredicate(), $"({Quote(column.Name)} {mark} NULL)");
        }

        var (operand, sql) = FilterLiterals.Convert(column, compare.Literal);
        return (new ComparePredicate(column, compare.Comparison, operand), $"({Quote(column.Name)} {mark} {sql})");
    }

    private (FilterPredicate, string) BindBetween(FilterNode.Between between)
    {
        var (low, lowSql) = BindCompare(new FilterNode.Compare(between.Column, FilterComparison.GreaterOrEqual, between.Low));
        var (high, highSql) = BindCompare(new FilterNode.Compare(between.Column, FilterComparison.LessOrEqual, between.High));
        var both = new AndPredicate(low, high);
        return between.IsNegated ? (new NotPredicate(both), $"(NOT ({lowSql} AND {highSql}))") : (both, $"({lowSql} AND {highSql})");
    }

    private (FilterPredicate, string) BindIn(FilterNode.In list)
    {
        FilterColumn column = Column(list.Column);
        CheckComparable(column, isOrder: false);
        var literals = list.Literals.Where(one => one.Kind != FilterLiteralKind.Null).Select(one => FilterLiterals.Convert(column, one)).ToList();
        bool hasNull = literals.Count < list.Literals.Count;
        // One comparison for each literal: in a list the server would look for one type of all of them.
        string sql = string.Join(" OR ", literals.Select(one => $"{Quote(column.Name)} = {one.Sql}").Concat(hasNull ? [$"{Quote(column.Name)} = NULL"] : []));
        FilterPredicate predicate = literals.Count == 0 ? new NullPredicate() : new InPredicate(column, [.. literals.Select(one => one.Operand)], hasNull);
        return list.IsNegated ? (new NotPredicate(predicate), $"(NOT ({sql}))") : (predicate, $"({sql})");
    }

    private FilterColumn Column(string name) => columns.GetValueOrDefault(name) ?? throw new SyncException(
        SyncExit.Usage, "column_not_found", $"Column `{name}` of the filter is not in {table}{Suggestion.Phrase(name, columns.Keys)}");

    private void CheckComparable(FilterColumn column, bool isOrder)
    {
        if (column.Type == FilterType.Other)
        {
            throw Wrong($"{column.Name} is {column.TypeName}; of this type filters ask only IS NULL");
        }

        bool isText = column.Type is FilterType.Text or FilterType.PaddedText;
        if (isText && !column.IsDeterministic)
        {
            throw Wrong($"{column.Name} has a collation under which different texts are equal; filters compare bytes");
        }

        if (isText && isOrder && !column.IsCollationC)
        {
            throw Wrong($"{column.Name} is ordered by its collation; filters order texts only under COLLATE \"C\"");
        }

        if (column.Type == FilterType.Enumeration)
        {
            canPush = false;
            if (isOrder && column.Labels is null)
            {
                throw Wrong($"the order of the labels of {column.Name} is not known");
            }
        }
    }

    internal static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    internal static SyncException Wrong(string what) => new(SyncExit.Usage, "filter_invalid",
        string.Create(CultureInfo.InvariantCulture, $"The filter is not valid: {what}."));
}
