using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Xunit;

namespace Puff.Sync.Tests.Migrations;

/// <summary>
/// The filter language: what it reads and refuses, its evaluation against a model of three-valued logic, and its fuzzing (acceptance checklist, "Fuzz").
/// </summary>
public class RowFilterTests
{
    private static readonly FilterColumn[] Columns =
    [
        new("n", 0, FilterType.Integer, "int4", IsKey: true), new("flag", 1, FilterType.Boolean, "bool"), new("t", 2, FilterType.Text, "text"),
        new("c", 3, FilterType.Text, "text", IsCollationC: true), new("d", 4, FilterType.Date, "date"), new("j", 5, FilterType.Other, "jsonb"),
        new("mood", 6, FilterType.Enumeration, "mood", Labels: ["sad", "ok", "glad"]), new("x", 7, FilterType.Text, "citext", IsDeterministic: false),
        new("Odd \"name\"", 8, FilterType.Numeric, "numeric"),
    ];

    [Theory]
    [InlineData("n = 5 AND flag", "((\"n\" = (5)) AND \"flag\")")]
    [InlineData("N=5 or not FLAG and t <> 'it''s'", "((\"n\" = (5)) OR ((NOT \"flag\") AND (\"t\" <> 'it''s')))")]
    [InlineData("not (n is not null or n is null)", "(NOT ((\"n\" IS NOT NULL) OR (\"n\" IS NULL)))")]
    [InlineData("n in (1, null, -2)", "(\"n\" = (1) OR \"n\" = (-2) OR \"n\" = NULL)")]
    [InlineData("n not between 1 and 2 and flag", "((NOT ((\"n\" >= (1)) AND (\"n\" <= (2)))) AND \"flag\")")]
    [InlineData("\"Odd \"\"name\"\"\" >= 1.50", "(\"Odd \"\"name\"\"\" >= (1.50))")]
    [InlineData("d < '2026-05-01' and c > 'b' and mood = 'ok'", "(((\"d\" < '2026-05-01') AND (\"c\" > 'b')) AND (\"mood\" = 'ok'))")]
    [InlineData("j is null", "(\"j\" IS NULL)")]
    [InlineData("n = null", "(\"n\" = NULL)")]
    public void Filters_are_written_as_sql_with_the_same_meaning(string text, string sql) => Assert.Equal(sql, Bind(text).Sql);

    [Theory]
    [InlineData("", "filter_invalid", "at character 1: a column was expected at the end")]
    [InlineData("n = ", "filter_invalid", "at character 5: a text in single quotes, a number, true, false or null was expected at the end")]
    [InlineData("n = 1 flag", "filter_invalid", "at character 7: AND, OR or the end was expected, not flag")]
    [InlineData("lower(t) = 'a'", "filter_invalid", "at character 6: AND, OR or the end was expected, not (")]
    [InlineData("t like 'a%'", "filter_invalid", "at character 3: AND, OR or the end was expected, not like")]
    [InlineData("n = 1; drop table t", "filter_invalid", "at character 6: ; is not part of the filter language")]
    [InlineData("t = 'a", "filter_invalid", "at character 5: the quote is not closed")]
    [InlineData("n = 1x", "filter_invalid", "at character 5: this is no number")]
    [InlineData("select = 1", "filter_invalid", "a column was expected, not select")]
    [InlineData("m = 1", "column_not_found", "Column `m` of the filter is not in public.t, did you mean `n`?")]
    [InlineData("n", "filter_invalid", "n is int4; a column that stands alone must be boolean")]
    [InlineData("t < 'b'", "filter_invalid", "t is ordered by its collation")]
    [InlineData("x = 'b'", "filter_invalid", "x has a collation under which different texts are equal")]
    [InlineData("j = 'b'", "filter_invalid", "j is jsonb; of this type filters ask only IS NULL")]
    [InlineData("n = 'b'", "filter_invalid", "n is int4 and cannot be compared with b")]
    [InlineData("n = '3000000000'", "filter_invalid", "n is int4 and cannot be compared with 3000000000")]
    [InlineData("t = 5", "filter_invalid", "t is text and cannot be compared with 5")]
    [InlineData("d = 'today'", "filter_invalid", "'today' is no date; write it as in '2026-05-01'")]
    [InlineData("mood = 'gald'", "filter_invalid", "'gald' is no label of mood, did you mean `glad`?")]
    public void What_is_no_filter_is_refused_with_its_place(string text, string code, string message)
    {
        SyncException error = Assert.Throws<SyncException>(() => Bind(text));
        Assert.Equal((SyncExit.Usage, code), (error.Exit, error.Code));
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void Depth_and_length_are_bounded()
    {
        Assert.Throws<SyncException>(() => RowFilter.Parse(new string('(', 100_000) + "n = 1"));
        Assert.Throws<SyncException>(() => RowFilter.Parse(string.Concat(Enumerable.Repeat("not ", 100_000)) + "flag"));
        Assert.Throws<SyncException>(() => RowFilter.Parse(string.Join(" or ", Enumerable.Repeat("flag", 5_000))));
        Assert.NotNull(RowFilter.Parse(string.Join(" or ", Enumerable.Repeat("flag", 900))));
    }

    [Fact]
    public void What_was_not_sent_asks_for_the_row()
    {
        BoundFilter filter = Bind("n = 5 and t = 'a'");
        RowTuple row = Row(("5", ColumnState.Text), ("t", ColumnState.Text), ("", ColumnState.Unchanged));
        Assert.Equal(FilterOutcome.NotSent, filter.Evaluate(row));
        Assert.Equal(FilterOutcome.False, filter.Evaluate(Row(("6", ColumnState.Text), ("t", ColumnState.Text), ("", ColumnState.Unchanged))));
        Assert.Equal(FilterOutcome.True, Bind("t is not null").Evaluate(row));

        // Of a key only the identity's columns are known: a null elsewhere says nothing.
        RowTuple key = Row(("5", ColumnState.Text), ("", ColumnState.Null), ("", ColumnState.Null));
        Assert.Equal(FilterOutcome.NotSent, Bind("n = 5 and t is null").Evaluate(key, OldTupleKind.Key));
        Assert.Equal(FilterOutcome.True, Bind("n = 5").Evaluate(key, OldTupleKind.Key));
        Assert.Equal(FilterOutcome.True, Bind("n = 5 and t is null").Evaluate(key));
    }

    [Fact]
    public void Evaluation_agrees_with_the_model_of_three_valued_logic()
    {
        var random = new Random(53);
        int[] seen = new int[3];
        for (int round = 0; round < 5_000; round++)
        {
            var (text, model) = Generate(random, depth: 3);
            BoundFilter filter = Bind(text);
            for (int rows = 0; rows < 5; rows++)
            {
                int? number = random.Next(4) == 0 ? null : random.Next(-2, 4);
                bool? flag = random.Next(4) == 0 ? null : random.Next(2) == 0;
                string? word = random.Next(4) == 0 ? null : ((char)('a' + random.Next(4))).ToString();
                RowTuple row = Row(
                    (number?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "", number is null ? ColumnState.Null : ColumnState.Text),
                    (flag is true ? "t" : "f", flag is null ? ColumnState.Null : ColumnState.Text), ("", ColumnState.Null),
                    (word ?? "", word is null ? ColumnState.Null : ColumnState.Text));
                FilterOutcome expected = model(new Values(number, flag, word)) switch { true => FilterOutcome.True, false => FilterOutcome.False, _ => FilterOutcome.Null };
                seen[(int)expected]++;
                Assert.True(expected == filter.Evaluate(row), $"{text} of ({number}, {flag}, {word}) is not {expected}");
            }
        }

        Assert.All(seen, count => Assert.InRange(count, 2_000, 20_000));
    }

    [Fact]
    public void Whatever_the_text_it_is_read_or_refused()
    {
        var random = new Random(7);
        string[] words = ["n", "flag", "t", "and", "or", "not", "is", "null", "in", "between", "(", ")", ",", "=", "<>", "<", "5", "-1.5e3", "'a'", "\"c\"", "'", "\"", ";", "\0", "é", " "];
        int read = 0;
        for (int round = 0; round < 50_000; round++)
        {
            string text = string.Join(random.Next(3) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 9)).Select(_ => words[random.Next(words.Length)]));
            try
            {
                Bind(text);
                read++;
            }
            catch (SyncException error)
            {
                Assert.Equal(SyncExit.Usage, error.Exit);
            }
        }

        Assert.InRange(read, 100, 50_000);
    }

    private sealed record Values(int? Number, bool? Flag, string? Word);

    private static (string Text, Func<Values, bool?> Model) Generate(Random random, int depth)
    {
        if (depth > 0 && random.Next(3) != 0)
        {
            var (left, first) = Generate(random, depth - 1);
            var (right, second) = Generate(random, depth - 1);
            return random.Next(3) switch
            {
                // C#'s & and | of bool? are SQL's.
                0 => ($"({left} AND {right})", row => first(row) & second(row)),
                1 => ($"({left} OR {right})", row => first(row) | second(row)),
                _ => ($"(NOT {left})", row => !first(row)),
            };
        }

        int number = random.Next(-2, 4);
        string word = ((char)('a' + random.Next(4))).ToString();
        return random.Next(9) switch
        {
            0 => ($"n = {number}", row => row.Number is { } n ? n == number : null),
            1 => ($"n < {number}", row => row.Number is { } n ? n < number : null),
            2 => ($"n NOT IN ({number}, NULL)", row => row.Number is { } n && n == number ? false : null),
            3 => ($"n IN ({number}, 0)", row => row.Number is { } n ? n == number || n == 0 : null),
            4 => ($"n NOT BETWEEN {number} AND 2", row => row.Number is { } n ? !(n >= number && n <= 2) : null),
            5 => ("flag", row => row.Flag),
            6 => ($"c >= '{word}'", row => row.Word is { } w ? string.CompareOrdinal(w, word) >= 0 : null),
            7 => ("c IS NOT NULL", row => row.Word != null),
            _ => ("n != NULL", _ => null),
        };
    }

    private static RowTuple Row(params (string Text, ColumnState State)[] values)
    {
        var batch = new ChangeBatch();
        batch.Add(ChangeKind.Insert, null, 1, default, 0);
        foreach (var (text, state) in values)
        {
            batch.AddNew(state, Encoding.UTF8.GetBytes(text));
        }

        return batch[0].New;
    }

    private static BoundFilter Bind(string text) => RowFilter.Parse(text).Bind("public.t", Columns);
}
