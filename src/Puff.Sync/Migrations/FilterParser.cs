using System.Globalization;

namespace Puff.Sync.Migrations;

/// <summary>Recursive descent over the grammar of section 5.3. Unquoted names are lower case, as the server takes them.</summary>
internal sealed class FilterParser(string text)
{
    private const int MaxDepth = 100;

    private const int MaxLength = 64 * 1024;

    private readonly List<string> columns = [];
    private FilterToken token;
    private int at;
    private int depth;

    public IReadOnlyList<string> Columns => columns;

    public FilterNode Parse()
    {
        if (text.Length > MaxLength)
        {
            throw new SyncException(SyncExit.Usage, "filter_invalid", $"The filter has {text.Length} characters; at most {MaxLength} are allowed.");
        }

        Next();
        FilterNode root = ReadOr();
        return token.Kind == FilterTokenKind.End ? root : throw Expected("AND, OR or the end");
    }

    private FilterNode ReadOr()
    {
        Enter();
        FilterNode left = ReadAnd();
        for (int terms = 1; Take("or"); terms++)
        {
            Bound(terms);
            left = new FilterNode.Or(left, ReadAnd());
        }

        depth--;
        return left;
    }

    private FilterNode ReadAnd()
    {
        FilterNode left = ReadNot();
        for (int terms = 1; Take("and"); terms++)
        {
            Bound(terms);
            left = new FilterNode.And(left, ReadNot());
        }

        return left;
    }

    private FilterNode ReadNot()
    {
        Enter();
        FilterNode node = Take("not") ? new FilterNode.Not(ReadNot()) : ReadPrimary();
        depth--;
        return node;
    }

    private FilterNode ReadPrimary()
    {
        if (TakeMark("("))
        {
            FilterNode inner = ReadOr();
            ExpectMark(")");
            return inner;
        }

        string column = ReadColumn();
        if (token.Kind == FilterTokenKind.Mark && ComparisonOf(token.Text) is { } comparison)
        {
            Next();
            return new FilterNode.Compare(column, comparison, ReadLiteral());
        }

        if (Take("is"))
        {
            bool isNotNull = Take("not");
            Expect("null");
            return new FilterNode.IsNull(column, isNotNull);
        }

        bool isNegated = Take("not");
        if (Take("in"))
        {
            return new FilterNode.In(column, isNegated, ReadList());
        }

        if (Take("between"))
        {
            FilterLiteral low = ReadLiteral();
            Expect("and");
            return new FilterNode.Between(column, isNegated, low, ReadLiteral());
        }

        return isNegated ? throw Expected("IN or BETWEEN after NOT") : new FilterNode.IsTrue(column);
    }

    private List<FilterLiteral> ReadList()
    {
        ExpectMark("(");
        var literals = new List<FilterLiteral> { ReadLiteral() };
        while (TakeMark(","))
        {
            literals.Add(ReadLiteral());
        }

        ExpectMark(")");
        return literals;
    }

    private FilterLiteral ReadLiteral()
    {
        FilterToken literal = token;
        FilterLiteral? read = literal.Kind switch
        {
            FilterTokenKind.Text => new FilterLiteral(FilterLiteralKind.Text, literal.Text),
            FilterTokenKind.Number => new FilterLiteral(FilterLiteralKind.Number, literal.Text),
            FilterTokenKind.Word when literal.Text is "true" or "false" => new FilterLiteral(FilterLiteralKind.Boolean, literal.Text),
            FilterTokenKind.Word when literal.Text == "null" => FilterLiteral.Null,
            _ => null,
        };
        if (read is null)
        {
            throw Expected("a text in single quotes, a number, true, false or null");
        }

        Next();
        return read;
    }

    private string ReadColumn()
    {
        bool isName = token.Kind == FilterTokenKind.QuotedName || (token.Kind == FilterTokenKind.Word && !FilterToken.IsReserved(token.Text));
        if (!isName)
        {
            throw Expected("a column");
        }

        string column = token.Text;
        if (!columns.Contains(column))
        {
            columns.Add(column);
        }

        Next();
        return column;
    }

    private static FilterComparison? ComparisonOf(string mark) => mark switch
    {
        "=" => FilterComparison.Equal,
        "!=" or "<>" => FilterComparison.NotEqual,
        "<" => FilterComparison.Less,
        "<=" => FilterComparison.LessOrEqual,
        ">" => FilterComparison.Greater,
        ">=" => FilterComparison.GreaterOrEqual,
        _ => null,
    };

    private bool Take(string word)
    {
        bool isHere = token.Kind == FilterTokenKind.Word && token.Text == word;
        if (isHere)
        {
            Next();
        }

        return isHere;
    }

    private bool TakeMark(string mark)
    {
        bool isHere = token.Kind == FilterTokenKind.Mark && token.Text == mark;
        if (isHere)
        {
            Next();
        }

        return isHere;
    }

    private void Expect(string word)
    {
        if (!Take(word))
        {
            throw Expected(word.ToUpperInvariant());
        }
    }

    private void ExpectMark(string mark)
    {
        if (!TakeMark(mark))
        {
            throw Expected($"'{mark}'");
        }
    }

    private void Enter()
    {
        if (++depth > MaxDepth)
        {
            throw Wrong(token.Start, $"it is nested more than {MaxDepth} deep");
        }
    }

    // A long chain is a deep tree.
    private void Bound(int terms)
    {
        if (terms > 1000)
        {
            throw Wrong(token.Start, "it has more than 1,000 terms in one chain; use IN");
        }
    }

    private void Next() => token = FilterToken.Read(text, ref at);

    private SyncException Expected(string what) =>
        Wrong(token.Start, token.Kind == FilterTokenKind.End ? $"{what} was expected at the end" : $"{what} was expected, not {token.Text}");

    internal static SyncException Wrong(int at, string what) => new(
        SyncExit.Usage, "filter_invalid", string.Create(CultureInfo.InvariantCulture, $"The filter cannot be read at character {at + 1}: {what}."));
}
