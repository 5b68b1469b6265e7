using System.Diagnostics;
using Npgsql;
using Puff.Sync.Postgres;

namespace Puff.Workloads.Sync;

/// <summary>A database of its own with a table of rows, a publication and slots that were made before the rows.</summary>
internal sealed class SyncDatabase : IAsyncDisposable
{
    private const int Slots = 3;
    private readonly PostgresAddress server;
    private readonly string name = $"bench_{Environment.ProcessId}";

    private SyncDatabase(PostgresAddress server)
    {
        this.server = server;
        Sessions = new PostgresSessions(server with { Database = name }, "bench");
    }

    public PostgresSessions Sessions { get; }

    public string Slot(int number) => $"{name}_{number}";

    public static async Task<SyncDatabase> CreateAsync()
    {
        string url = Environment.GetEnvironmentVariable("PUFF_TEST_POSTGRES")
            ?? throw new InvalidOperationException("PUFF_TEST_POSTGRES is not set: eval \"$(tests/tools/postgres-server start)\"");
        var database = new SyncDatabase(PostgresAddress.Parse(url));
        await database.RunOnServerAsync($"CREATE DATABASE {database.name} TEMPLATE template0");
        await database.RunAsync("""
            CREATE TABLE public.rows (id bigint PRIMARY KEY, user_id int, at timestamptz, body text); CREATE PUBLICATION p FOR TABLE public.rows
            """);
        for (int slot = 0; slot < Slots; slot++)
        {
            await database.RunAsync($"SELECT pg_create_logical_replication_slot('{database.Slot(slot)}', 'pgoutput')");
        }

        return database;
    }

    public Task FillAsync(int rows, int perTransaction, int bodyBytes) => RunAsync($"""
        DO $$ BEGIN FOR start_id IN 1..{rows} BY {perTransaction} LOOP
            INSERT INTO public.rows SELECT n, n % 1000, now(), repeat(md5(n::text), {bodyBytes / 32})
                FROM generate_series(start_id, start_id + {perTransaction - 1}) n;
            COMMIT;
        END LOOP; END $$
        """);

    /// <summary>Messages of the stream as the server writes them.</summary>
    public async Task<List<byte[]>> RecordAsync(int count)
    {
        await using var session = await Sessions.OpenAsync(SessionUse.Snapshot, CancellationToken.None);
        await using var command = new NpgsqlCommand(
            $"SELECT data FROM pg_logical_slot_peek_binary_changes('{Slot(0)}', NULL, {count}, 'proto_version', '1', 'publication_names', 'p')", session);
        await using var reader = await command.ExecuteReaderAsync();
        var messages = new List<byte[]>();
        while (await reader.ReadAsync())
        {
            messages.Add(reader.GetFieldValue<byte[]>(0));
        }

        return messages;
    }

    /// <summary>Seconds that the server's own client needs for everything a slot has.</summary>
    public async Task<double> ReceiveAsync(string slot)
    {
        string folder = Environment.GetEnvironmentVariable("PUFF_TEST_POSTGRES_BIN") ?? "";
        await using var session = await Sessions.OpenAsync(SessionUse.Admin, CancellationToken.None);
        await using var ask = new NpgsqlCommand("SELECT pg_current_wal_insert_lsn()::text", session);
        string end = (string)(await ask.ExecuteScalarAsync())!;
        string[] arguments =
        [
            "-h", server.Host, "-p", server.Port.ToString(), "-U", server.User, "-d", name, "-S", slot, "--start", "-f", "/dev/null", "-E", end, "-n",
            "-F", "0", "-o", "proto_version=1", "-o", "publication_names=p", "-o", "messages=true",
        ];
        var start = new ProcessStartInfo(Path.Combine(folder, "pg_recvlogical"), arguments) { Environment = { ["PGPASSWORD"] = server.Password } };
        long begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            await RunOnServerAsync($"SELECT pg_drop_replication_slot('{Slot(slot)}')");
        }

        await RunOnServerAsync($"DROP DATABASE {name} WITH (FORCE)");
    }

    private async Task RunAsync(string sql)
    {
        await using var session = await Sessions.OpenAsync(SessionUse.Stream, CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, session) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    private async Task RunOnServerAsync(string sql)
    {
        await using var session = await new PostgresSessions(server, "bench").OpenAsync(SessionUse.Stream, CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync();
    }
}
