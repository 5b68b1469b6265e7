using Npgsql;
using Xunit;
using Puff.Sync.Postgres;

namespace Puff.Sync.Tests.Postgres;

/// <summary>A database of its own on the test server, dropped at the end with the slots that belong to it.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private readonly PostgresAddress server;
    private readonly NpgsqlConnection connection;

    private TestDatabase(PostgresAddress server, string name, NpgsqlConnection connection)
    {
        this.server = server;
        this.connection = connection;
        Address = server with { Database = name };
    }

    /// <summary>As a superuser.</summary>
    public PostgresAddress Address { get; }

    public string Url => $"postgres://{Address.User}:{Address.Password}@{Address.Host}:{Address.Port}/{Address.Database}";

    /// <summary>Unique on the server: for slots, roles and whatever else databases share.</summary>
    public string Name => Address.Database;

    /// <summary>An empty database.</summary>
    /// <param name="sql">Run in it first.</param>
    /// <param name="locale">Words of CREATE DATABASE after the template, to have another collation or encoding.</param>
    public static async Task<TestDatabase> CreateAsync(string sql = "", string locale = "")
    {
        string url = Environment.GetEnvironmentVariable("PUFF_TEST_POSTGRES")
            ?? throw new InvalidOperationException("PUFF_TEST_POSTGRES is not set: run eval \"$(tests/tools/postgres-server start)\" first");
        var server = PostgresAddress.Parse(url);
        string name = $"t_{Guid.NewGuid():N}"[..24];
        await using (var admin = await ConnectAsync(server))
        {
            await ExecuteAsync(admin, $"CREATE DATABASE {name} TEMPLATE template0 {locale}");
        }

        var database = new TestDatabase(server, name, await ConnectAsync(server with { Database = name }));
        if (sql.Length > 0)
        {
            await database.RunAsync(sql);
        }

        return database;
    }

    /// <summary>Another session, as the superuser or as another role.</summary>
    public Task<NpgsqlConnection> OpenAsync(string? user = null, string? password = null) =>
        ConnectAsync(user is null ? Address : Address with { User = user, Password = password });

    /// <summary>Statements in one go, as the simple protocol runs them (one transaction unless they say otherwise).</summary>
    public Task RunAsync(string sql) => ExecuteAsync(connection, sql);

    /// <summary>The first column of the first row; default when there is none.</summary>
    public async Task<T?> AskAsync<T>(string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await using var admin = await ConnectAsync(server);
        await ExecuteAsync(admin, $"ALTER DATABASE {Name} CONNECTION LIMIT 0");
        await ExecuteAsync(admin, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{Name}'");

        // A slot is free once its ended walsender is gone, which takes a moment.
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await ExecuteAsync(admin, $"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{Name}'");
                break;
            }
            catch (PostgresException inUse) when (inUse.SqlState == PostgresErrorCodes.ObjectInUse && attempt < 100)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }

        await ExecuteAsync(admin, $"DROP DATABASE {Name} WITH (FORCE)");
    }

    private static async Task<NpgsqlConnection> ConnectAsync(PostgresAddress address)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port,
            Database = address.Database,
            Username = address.User,
            Password = address.Password,
            Pooling = false,
            IncludeErrorDetail = true,
        }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
