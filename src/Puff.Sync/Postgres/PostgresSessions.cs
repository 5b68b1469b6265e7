using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using Npgsql.Replication;

namespace Puff.Sync.Postgres;

/// <summary>What a connection is for; the name is the last part of its application_name.</summary>
internal enum SessionUse
{
    /// <summary>State tables and the lock: one, long-lived.</summary>
    State,

    /// <summary>The replication stream.</summary>
    Stream,

    /// <summary>Pages and re-reads: read only.</summary>
    Snapshot,

    /// <summary>Catalog, publication, slot: as long as a command.</summary>
    Admin,
}

/// <summary>
/// Opens connections of one pipeline to one server. Every session says at its start how it wants text written, so that settings of roles and databases cannot
/// change what a value looks like.
/// </summary>
internal sealed class PostgresSessions(PostgresAddress address, string pipeline)
{
    private const int ReadBufferBytes = 256 * 1024;

    /// <summary>They keep no connections, so there is nothing to dispose of.</summary>
    private readonly ConcurrentDictionary<SessionUse, NpgsqlDataSource> sources = new();

    public PostgresAddress Address { get; } = address;

    /// <summary>All connections of this pipeline have application names that begin so.</summary>
    public string NamePrefix => $"puff_sync/{pipeline}/";

    /// <summary>Of statements on sessions for commands and state; pages have none.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public async Task<NpgsqlConnection> OpenAsync(SessionUse use, CancellationToken cancellation)
    {
        try
        {
            return await sources.GetOrAdd(use, BuildSource).OpenConnectionAsync(cancellation);
        }
        catch (Exception exception)
        {
            if (PostgresErrors.Translate(exception, Address, "connecting") is { } translated)
            {
                throw translated;
            }

            throw;
        }
    }

    public async Task<LogicalReplicationConnection> OpenStreamAsync(CancellationToken cancellation)
    {
        var connection = new LogicalReplicationConnection(Settings(SessionUse.Stream).ConnectionString);
        try
        {
            await connection.Open(cancellation);
            return connection;
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            if (PostgresErrors.Translate(exception, Address, "connecting for replication") is { } translated)
            {
                throw translated;
            }

            throw;
        }
    }

    private NpgsqlDataSource BuildSource(SessionUse use)
    {
        var builder = new NpgsqlDataSourceBuilder(Settings(use).ConnectionString);

        // Values are read as text: the list of the database's types would be fetched for nothing.
        builder.ConfigureTypeLoading(loading => loading.EnableTypeLoading(false));
        return builder.Build();
    }

    private NpgsqlConnectionStringBuilder Settings(SessionUse use)
    {
        string name = NamePrefix + use.ToString().ToLowerInvariant();
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = Address.Host,
            Port = Address.Port,
            Database = Address.Database,
            Username = Address.User,
            Password = Address.Password,
            ApplicationName = name,
            Pooling = false,
            Enlist = false,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 60,
            TcpKeepAliveInterval = 10,
            Timeout = 15,
            CommandTimeout = 0,
            ClientEncoding = "UTF8",
            Timezone = "UTC",
            ReadBufferSize = use is SessionUse.Stream or SessionUse.Snapshot ? ReadBufferBytes : 16 * 1024,
            Options = string.Join(' ', StartOptions(use).Select(option => $"-c {option.Name}={option.Value}")),
            SslMode = Address.Tls switch
            {
                TlsMode.Disable => SslMode.Disable,
                TlsMode.Prefer => SslMode.Prefer,
                TlsMode.Require => SslMode.Require,
                TlsMode.VerifyCa => SslMode.VerifyCA,
                _ => SslMode.VerifyFull,
            },
            RootCertificate = Address.RootCertificate,
            SslCertificate = Address.ClientCertificate,
            SslKey = Address.ClientKey,
        };
        return settings;
    }

    private IEnumerable<(string Name, string Value)> StartOptions(SessionUse use)
    {
        yield return ("DateStyle", "ISO");
        yield return ("IntervalStyle", "iso_8601");
        yield return ("TimeZone", "UTC");
        yield return ("extra_float_digits", "3");
        yield return ("bytea_output", "hex");
        yield return ("xmlbinary", "base64");
        yield return ("lc_monetary", "C");
        yield return ("search_path", "pg_catalog");
        yield return ("standard_conforming_strings", "on");
        yield return ("idle_in_transaction_session_timeout", "0");
        long timeout = use is SessionUse.Snapshot or SessionUse.Stream ? 0 : (long)StatementTimeout.TotalMilliseconds;
        yield return ("statement_timeout", timeout.ToString(CultureInfo.InvariantCulture));
        if (use is SessionUse.Snapshot)
        {
            yield return ("lock_timeout", "5000");
            yield return ("default_transaction_read_only", "on");
        }
    }
}
