using Google.Protobuf;
using Puff.Edge.Protos.Query;
using Puff.Edge.Transport;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>Raw SQL on SQLite: conformance list 6, 7 and 11.</summary>
public sealed class SqlTests
{
    private const string Legacy = "https://github.com/protocolbuffers/protobuf/raw/db48abbef49312d76d442c0cde6a551961726b28/src/google/protobuf/";

    [Fact]
    public async Task Every_class_of_value_has_its_exact_bytes()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        const string Text = "SELECT 42, 1.5, 'hi', null, x'00FF', 0, ''";
        QueryResult row = Assert.Single(await QueryAsync(edge, "/buffdb.query.Query/Query", Text));
        Assert.Equal(["082A", "09000000000000F83F", "0A026869", "", "0A0200FF", "", ""], row.Fields.Select(field => Convert.ToHexString(field.Value.Span)));
        Assert.Equal([.. Enumerable.Repeat(Legacy + "wrappers.proto", 3), Legacy + "struct.proto", .. Enumerable.Repeat(Legacy + "wrappers.proto", 3)],
            row.Fields.Select(field => field.TypeUrl));
        QueryResult standard = Assert.Single(await QueryAsync(edge, "/buffdb.query.Query/Query", Text, metadata: ("edge-any", "standard")));
        Assert.Equal(
            ["Int64Value", "DoubleValue", "StringValue", "Value", "BytesValue", "Int64Value", "StringValue"],
            standard.Fields.Select(field => field.TypeUrl["type.googleapis.com/google.protobuf.".Length..]));
        Assert.Equal("0800", Convert.ToHexString(standard.Fields[3].Value.Span));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65)]
    [InlineData(100_000)]
    public async Task Rows_are_streamed_whatever_their_number(int count)
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        string text = $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n WHERE {count} > 0";
        Assert.Equal(count, (await QueryAsync(edge, "/buffdb.query.Query/Query", text)).Count);
    }

    [Theory]
    [InlineData("/buffdb.kv.Kv/", (int)TargetStore.Blob, "kv(key, value) VALUES('a', 'b')", "SELECT value FROM kv")]
    [InlineData("/buffdb.blob.Blob/", (int)TargetStore.Kv, "blob(data, metadata) VALUES('b', null)", "SELECT data FROM blob")]
    [InlineData("/buffdb.query.Query/", (int)TargetStore.Kv, "kv(key, value) VALUES('a', 'b')", "SELECT value FROM kv")]
    public async Task Each_service_reaches_its_own_store(string service, int target, string insert, string select)
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        await using var call = edge.Open(service + "Execute");
        await call.WriteAsync(new RawQuery { Query = "INSERT INTO " + insert, Target = (TargetStore)target }.ToByteArray());
        Assert.Equal([0x08, 0x01], await call.ReadAsync() ?? []);
        QueryResult row = Assert.Single(await QueryAsync(edge, service + "Query", select, (TargetStore)target));
        Assert.Equal(Messages.Text("b"), row.Fields[0].Value.ToByteArray());
    }

    [Theory]
    [InlineData("SELEC 1", "/buffdb.kv.Kv/Query", GrpcStatus.InvalidArgument)]
    [InlineData("SELECT 1 FROM nowhere", "/buffdb.kv.Kv/Query", GrpcStatus.InvalidArgument)]
    [InlineData("SELECT 1; SELECT 2", "/buffdb.kv.Kv/Query", GrpcStatus.InvalidArgument)]
    [InlineData("", "/buffdb.kv.Kv/Query", GrpcStatus.InvalidArgument)]
    [InlineData("-- nothing", "/buffdb.kv.Kv/Query", GrpcStatus.InvalidArgument)]
    [InlineData("SELECT 1", "/buffdb.kv.Kv/Execute", GrpcStatus.InvalidArgument)]
    [InlineData("  /* now */ VACUUM", "/buffdb.blob.Blob/Execute", GrpcStatus.FailedPrecondition)]
    public async Task What_cannot_be_run_is_refused(string text, string path, GrpcStatus status)
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        Assert.Equal(status, (await Assert.ThrowsAsync<EdgeException>(() => QueryAsync(edge, path, text))).Status);
    }

    [Fact]
    public async Task A_trailing_semicolon_space_and_comment_are_fine_and_definitions_count_nothing()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        await using var call = edge.Open("/buffdb.kv.Kv/Execute");
        await call.WriteAsync(new RawQuery { Query = "INSERT INTO kv VALUES('a', 'b'), ('c', 'd') ; -- two" }.ToByteArray());
        Assert.Equal([8, 2], await call.ReadAsync() ?? []);
        await call.WriteAsync(new RawQuery { Query = "CREATE TABLE other(x)" }.ToByteArray());
        Assert.Empty(await call.ReadAsync() ?? [1]);
    }

    [Fact]
    public async Task Statements_of_one_stream_are_one_connection_and_what_was_not_committed_is_rolled_back()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        await using (var call = edge.Open("/buffdb.kv.Kv/Execute"))
        {
            foreach (string text in (string[])["BEGIN", "INSERT INTO kv VALUES('a', '1')"])
            {
                await call.WriteAsync(new RawQuery { Query = text }.ToByteArray());
                Assert.NotNull(await call.ReadAsync());
            }

            await call.CompleteAsync();
            Assert.Null(await call.ReadAsync());
        }

        Assert.Empty(await QueryAsync(edge, "/buffdb.kv.Kv/Query", "SELECT * FROM kv"));
    }

    [Fact]
    public async Task An_engine_without_sql_says_so_and_an_unknown_store_is_named()
    {
        await using var memory = await EdgeFixture.StartAsync(EdgeEngine.Memory);
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EdgeException>(() => QueryAsync(memory, "/buffdb.kv.Kv/Query", "SELECT 1"))).Status);
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        var error = await Assert.ThrowsAsync<EdgeException>(() => QueryAsync(edge, "/buffdb.query.Query/Query", "SELECT 1", (TargetStore)7));
        Assert.Equal(GrpcStatus.InvalidArgument, error.Status);
    }

    [Fact]
    public async Task Files_of_other_programs_open_keep_their_rows_and_stay_readable_to_them()
    {
        string folder = Directory.CreateTempSubdirectory("puff-edge-").FullName;
        string path = Path.Combine(folder, "blob_store.db");
        using (var other = new Backends.Sqlite.SqliteConnection(path))
        {
            other.Run("CREATE TABLE blob(data BLOB, metadata TEXT)");
            other.Run("INSERT INTO blob(rowid, data, metadata) VALUES(5, x'01', 'five'), (9, x'02', null)");
        }

        await using (var store = BlobStore.Open(EdgeEngine.Sqlite, path))
        {
            Assert.Equal("five", store.Get(5)!.Metadata);
            Assert.Equal(10ul, await store.StoreAsync([3], null));
            Assert.True(await store.DeleteAsync(10));
            Assert.Equal(11ul, await store.StoreAsync([4], "eleven"));
        }

        using (var other = new Backends.Sqlite.SqliteConnection(path))
        {
            using var select = other.Prepare("SELECT rowid FROM blob ORDER BY rowid");
            var rows = new List<long>();
            while (select.Step())
            {
                rows.Add(select.GetInt64(0));
            }

            Assert.Equal([5, 9, 11], rows);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_file_that_is_no_database_is_named()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, new string('x', 5_000));
        var error = Assert.Throws<EdgeException>(() => KvStore.Open(EdgeEngine.Sqlite, path));
        Assert.Equal(GrpcStatus.FailedPrecondition, error.Status);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5_000), File.ReadAllText(path));
        File.Delete(path);
    }

    private static async Task<List<QueryResult>> QueryAsync(
        EdgeFixture edge, string path, string text, TargetStore target = TargetStore.Kv, (string, string)? metadata = null)
    {
        await using var call = edge.Open(path, default, metadata is { } given ? [given] : []);
        await call.WriteAsync(new RawQuery { Query = text, Target = target }.ToByteArray());
        await call.CompleteAsync();
        var rows = new List<QueryResult>();
        while (await call.ReadAsync() is { } message)
        {
            rows.Add(QueryResult.Parser.ParseFrom(message));
        }

        return rows;
    }
}
