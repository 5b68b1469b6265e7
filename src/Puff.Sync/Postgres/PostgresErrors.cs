using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace Puff.Sync.Postgres;

/// <summary>Tells what a failed connection or statement asks for: another attempt, or a person.</summary>
internal static class PostgresErrors
{
    /// <summary>True for causes that go away by themselves: a server that is starting, stopping, restarting or full, a lost connection.</summary>
    public static bool IsTemporary(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled
            or PostgresErrorCodes.ObjectInUse || postgres.SqlState.StartsWith("08", StringComparison.Ordinal)
            || postgres.SqlState.StartsWith("53", StringComparison.Ordinal),
        NpgsqlException { InnerException: AuthenticationException } => false,
        NpgsqlException or SocketException or IOException or TimeoutException or ObjectDisposedException => true,
        _ => false,
    };

    /// <summary>The exception to throw instead; null for what has nothing to do with the server.</summary>
    /// <param name="doing">What was tried, to begin the message: "reading posts".</param>
    public static Exception? Translate(Exception exception, PostgresAddress address, string doing)
    {
        if (exception is SyncException or FeedInterruptedException or OperationCanceledException)
        {
            return null;
        }

        if (exception is NpgsqlException { InnerException: AuthenticationException authentication })
        {
            return new SyncException(
                SyncExit.NotAllowed, "tls_verify", $"The certificate of {address.Host} could not be verified: {authentication.Message}",
                "Give the authority's certificate (source.tls_root_cert), or check the host's name.", exception);
        }

        if (IsTemporary(exception))
        {
            return new FeedInterruptedException($"{address.Display}: {doing}: {exception.InnerException?.Message ?? exception.Message}", exception);
        }

        return exception is PostgresException postgres ? Lasting(postgres, address, doing) : null;
    }

    /// <summary>The message with the server's hint, without details: they may show rows.</summary>
    private static SyncException Lasting(PostgresException error, PostgresAddress address, string doing)
    {
        string message = $"{address.Display}: {doing}: {error.MessageText}";
        return error.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new SyncException(
                SyncExit.NotAllowed, "source_unauthorized", message, "Check user and password in the source's URL, and pg_hba.conf.", error),
            PostgresErrorCodes.InvalidCatalogName => new SyncException(
                SyncExit.NotFound, "database_not_found", message, "Check the database's name in the source's URL.", error),
            PostgresErrorCodes.InsufficientPrivilege when error.MessageText.Contains("replication", StringComparison.OrdinalIgnoreCase) => new SyncException(
                SyncExit.NotAllowed, "privilege_replication", message,
                $"ALTER ROLE {SqlText.Identifier(address.User)} REPLICATION; (RDS: GRANT rds_replication TO {SqlText.Identifier(address.User)};)", error),
            PostgresErrorCodes.InsufficientPrivilege => new SyncException(SyncExit.NotAllowed, "privilege", message, error.Hint, error),
            _ => new SyncException(SyncExit.Failed, "source_error", $"{message} ({error.SqlState})", error.Hint, error),
        };
    }
}
