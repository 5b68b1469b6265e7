using System.Globalization;
using System.Text;
using Npgsql;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.Tests.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Migrations;

/// <summary>
/// A filter means the same as written, as the SQL made of it, as a publication's row filter, and as evaluated here. Proves the local side of line 34 of the
/// acceptance checklist with generated filters over every type that can be compared.
/// </summary>
public class RowFilterServerTests
{
    private const string Table =
        """
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
        CREATE TABLE t (id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, t text, v varchar(20), o text COLLATE "C",
            c char(4), u uuid, d date, ts timestamp, tz timestamptz, tm time, m mood);
        """;

    private static readonly (string Column, FilterType Type, uint Oid, string TypeName, bool HasOrder, string[] Values)[] Columns =
    [
        ("b", FilterType.Boolean, 16, "bool", true, ["true", "false", "'t'", "'no'", "'1'"]),
        ("i2", FilterType.Integer, 21, "int2", true, ["0", "-1", "32767", "40000", "1.5", "'12'", "-1.0"]),
        ("i4", FilterType.Integer, 23, "int4", true, ["0", "-1", "2147483647", "3000000000", "0.5", "'-7'", "1e3"]),
        ("i8", FilterType.Integer, 20, "int8", true, ["0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.0", "'5'"]),
        ("f4", FilterType.Single, 700, "float4", true, ["0", "0.1", "'0.1'", "1.5", "'NaN'", "'Infinity'", "-2"]),
        ("f8", FilterType.Double, 701, "float8", true, ["0", "0.1", "'0.1'", "1e300", "'NaN'", "'-Infinity'", "3"]),
        ("n", FilterType.Numeric, 1700, "numeric", true, ["0", "1.10", "1.1000000000000000001", "'NaN'", "'Infinity'", "1e20", "-3"]),
        ("t", FilterType.Text, 25, "text", false, ["'a'", "'A'", "''", "'it''s'", "'é'", "'a '", "'a\\b'"]),
        ("v", FilterType.Text, 1043, "varchar", false, ["'a'", "'b '", "''"]),
        ("o", FilterType.Text, 25, "text", true, ["'a'", "'B'", "'é'", "'Z'", "''", "'ab'"]),
        ("c", FilterType.PaddedText, 1042, "bpchar", false, ["'a'", "'a  '", "''", "'abcd'"]),
        ("u", FilterType.Uuid, 2950, "uuid", true, ["'00000000-0000-0000-0000-000000000001'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'{a0eebc999c0b4ef8bb6d6bb9bd380a11}'"]),
        ("d", FilterType.Date, 1082, "date", true, ["'2026-05-01'", "'1999-12-31'", "'0044-03-15 BC'", "'infinity'", "'2024-02-29'"]),
        ("ts", FilterType.Timestamp, 1114, "timestamp", true, ["'2026-05-01 13:30:00.5'", "'2026-05-01'", "'-infinity'", "'1969-12-31T23:59:59'"]),
        ("tz", FilterType.TimestampWithZone, 1184, "timestamptz", true, ["'2026-05-01 13:30:00+02'", "'2026-05-01 11:30:00Z'", "'2026-05-01'", "'infinity'", "'2026-05-01 11:30'"]),
        ("tm", FilterType.Time, 1083, "time", true, ["'13:30:00'", "'00:00:00'", "'24:00:00'", "'23:59:59.999999'"]),
        ("m", FilterType.Enumeration, 0, "mood", true, ["'sad'", "'ok'", "'glad'"]),
    ];

    private static readonly FilterColumn[] Bound =
        [.. Columns.Select((one, index) => new FilterColumn(
            one.Column, index + 1, one.Type, one.TypeName, IsCollationC: one.Column == "o", Labels: one.Type == FilterType.Enumeration ? ["sad", "ok", "glad"] : null))];

    [Fact]
    public async Task Generated_filters_mean_the_same_to_the_server_and_here()
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(Table);
        var random = new Random(34);
        await database.RunAsync(Inserts(random, 150));
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("public", "t", ["id", .. Columns.Select(one => one.Column)], ["id"], null);
        RowPage page = await source.ReadPageAsync(query, null, null, 1000, 1 << 24, CancellationToken.None);
        Assert.Equal(150, page.Rows.Count);
        await using NpgsqlConnection session = await database.OpenAsync();
        await RunAsync(session, "SET TimeZone = 'UTC'");
        int empty = 0;
        for (int round = 0; round < 400; round++)
        {
            string text = Generate(random, random.Next(3));
            BoundFilter filter = RowFilter.Parse(text).Bind("public.t", Bound);
            string here = string.Join(' ', Enumerable.Range(0, page.Rows.Count).Where(row => filter.Evaluate(page.Rows[row].New) == FilterOutcome.True)
                .Select(row => Encoding.ASCII.GetString(page.Rows[row].New.Bytes(0))));
            Assert.True(here == await IdsAsync(session, text), $"as written: {text}");
            Assert.True(here == await IdsAsync(session, filter.Sql), $"as SQL: {text} → {filter.Sql}");
            empty += here.Length == 0 ? 1 : 0;
            if (filter.CanPush && round % 8 == 0)
            {
                await RunAsync(session, $"BEGIN; CREATE PUBLICATION p FOR TABLE t WHERE ({filter.Sql}) WITH (publish = 'insert'); ROLLBACK");
            }
        }

        Assert.InRange(empty, 1, 300);
    }

    private static string Inserts(Random random, int rows)
    {
        var sql = new StringBuilder();
        for (int id = 1; id <= rows; id++)
        {
            var values = Columns.Select(one => random.Next(5) == 0 ? "NULL" : ValueOf(random, one.Column, one.Values));
            sql.Append(CultureInfo.InvariantCulture, $"INSERT INTO t VALUES ({id}, {string.Join(", ", values)});\n");
        }

        return sql.ToString();
    }

    // What a literal of a condition may be a column need not hold.
    private static string ValueOf(Random random, string column, string[] values)
    {
        string value = values[random.Next(values.Length)];
        return (column, value) switch
        {
            ("i2", "40000") or ("i4", "3000000000") or ("i8", "9223372036854775808") => "1",
            _ => value,
        };
    }

    private static string Generate(Random random, int depth)
    {
        if (depth > 0)
        {
            string left = Generate(random, depth - 1);
            string right = Generate(random, depth - 1);
            return random.Next(4) switch { 0 => $"{left} AND {right}", 1 => $"{left} or {right}", 2 => $"({left} OR {right})", _ => $"NOT ({left})" };
        }

        var (column, type, _, _, hasOrder, values) = Columns[random.Next(Columns.Length)];
        string Literal() => random.Next(12) == 0 ? "NULL" : values[random.Next(values.Length)];
        string[] marks = hasOrder ? ["=", "!=", "<>", "<", "<=", ">", ">="] : ["=", "<>"];
        return random.Next(6) switch
        {
            0 => $"{column} IS {(random.Next(2) == 0 ? "NOT " : "")}NULL",
            1 when CanList(values) => $"{column} {(random.Next(2) == 0 ? "NOT " : "")}IN ({Literal()}, {Literal()}, {Literal()})",
            2 when hasOrder => $"{column} {(random.Next(2) == 0 ? "NOT " : "")}BETWEEN {Literal()} AND {Literal()}",
            3 when type == FilterType.Boolean => column,
            _ => $"{column} {marks[random.Next(marks.Length)]} {Literal()}",
        };
    }

    // The server gives the literals of a list one type, so a list of numbers with and without quotes may mean something else there.
    private static bool CanList(string[] values) => values.All(value => value.StartsWith('\''));

    private static async Task<string> IdsAsync(NpgsqlConnection session, string where)
    {
        await using var command = new NpgsqlCommand($"SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM t WHERE {where}", session);
        try
        {
            return (string)(await command.ExecuteScalarAsync())!;
        }
        catch (PostgresException error)
        {
            return $"{error.MessageText} ({where})";
        }
    }

    private static async Task RunAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync();
    }
}
