using System.Text;
using Npgsql;
using Puff.Sync.Postgres;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>A stream that a PostgreSQL 15 wrote, kept: it reads today as it did, and as what the server at hand writes for the same statements.</summary>
public sealed class GoldenStreamTests
{
    [Fact]
    public async Task A_recorded_stream_reads_as_it_did_and_as_a_live_one()
    {
        byte[] live = await RecordAsync();
        string[] lines = await LinesAsync(live);
        byte[] kept = GoldenFiles.Read("pgoutput/v1/statements.bin", live);
        byte[] transcript = GoldenFiles.Read("pgoutput/v1/statements.txt", Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        Assert.Equal(Encoding.UTF8.GetString(transcript).Split('\n'), await LinesAsync(kept));
        Assert.Equal(Encoding.UTF8.GetString(transcript).Split('\n'), lines);
    }

    private static async Task<string[]> LinesAsync(byte[] recording)
    {
        await using var feed = new RecordedFeed(recording);
        var lines = new List<string>();
        await foreach (var batch in feed.ReadAsync(default, int.MaxValue, TestContext.Current.CancellationToken))
        {
            lines.AddRange(Streams.Lines(batch, isStable: true));
        }

        return [.. lines];
    }

    private static async Task<byte[]> RecordAsync()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE TYPE mood AS ENUM ('sad', 'happy');
            CREATE TABLE posts (id int PRIMARY KEY, title text, body text, tags text[], m mood, at timestamptz);
            ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;
            CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
            CREATE TABLE part2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
            CREATE PUBLICATION p FOR ALL TABLES WITH (publish_via_partition_root = true)
            """);
        await database.RunAsync($"SELECT pg_create_logical_replication_slot('{database.Name}', 'pgoutput')");
        await database.RunAsync("""
            INSERT INTO posts VALUES (1, 'ü😀', repeat('x', 4000), '{a,"b c",NULL}', 'happy', '2026-05-01 12:00+00'), (2, NULL, '', NULL, NULL, NULL)
            """);
        await database.RunAsync("UPDATE posts SET title = 'new' WHERE id = 1");
        await database.RunAsync("""
            UPDATE posts SET id = 7 WHERE id = 2; DELETE FROM posts WHERE id = 7; SELECT pg_logical_emit_message(true, 'puff_sync:g', '1')
            """);
        await database.RunAsync("""
            ALTER TABLE posts ADD likes int DEFAULT 5, REPLICA IDENTITY FULL; UPDATE posts SET likes = 6; ALTER TABLE posts DROP title; DELETE FROM posts
            """);
        await database.RunAsync("INSERT INTO parts VALUES (1, 'a'), (11, 'b'); UPDATE parts SET id = 12 WHERE id = 1");
        await database.RunAsync("TRUNCATE posts, parts");
        await using var session = await database.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"""
            SET TimeZone = 'UTC';
            SELECT data FROM pg_logical_slot_get_binary_changes(
                '{database.Name}', NULL, NULL, 'proto_version', '1', 'publication_names', 'p', 'messages', 'true')
            """,
            session);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var recording = new MemoryStream();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            RecordedFeed.Append(recording, reader.GetFieldValue<byte[]>(0));
        }

        return recording.ToArray();
    }
}
