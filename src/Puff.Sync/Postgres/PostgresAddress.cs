using System.Globalization;

namespace Puff.Sync.Postgres;

/// <summary>How far a connection insists on TLS; the words are those of `sslmode` in connection URLs.</summary>
internal enum TlsMode { Disable, Prefer, Require, VerifyCa, VerifyFull }

/// <summary>Where a server is and as whom one speaks to it: a connection URL taken apart, names and password percent-decoded.</summary>
internal sealed record PostgresAddress(string Host, int Port, string Database, string User, string? Password)
{
    public TlsMode Tls { get; init; } = TlsMode.Prefer;

    public string? RootCertificate { get; init; }

    public string? ClientCertificate { get; init; }

    public string? ClientKey { get; init; }

    /// <summary>"host:port/database": for messages, without the password.</summary>
    public string Display => $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}/{Database}";

    /// <summary>True when the address looks like a connection pooler's: replication needs the server itself.</summary>
    public bool LooksLikePooler =>
        Host.Contains("-pooler", StringComparison.OrdinalIgnoreCase) || Host.StartsWith("pooler.", StringComparison.OrdinalIgnoreCase)
        || Host.Contains(".pooler.", StringComparison.OrdinalIgnoreCase) || Port == 6543;

    /// <summary>Reads `postgres://user:password@host:port/database?sslmode=…`; the scheme may also be `postgresql`.</summary>
    public static PostgresAddress Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            // The text is not shown: it may hold a password.
            throw Invalid("it does not begin with postgres://");
        }

        string[] login = uri.UserInfo.Split(':', 2);
        string user = Decode(login[0]);
        var address = new PostgresAddress(
            uri.Host.Length == 0 ? "localhost" : uri.Host.Trim('[', ']'),
            uri.Port > 0 ? uri.Port : 5432,
            Decode(uri.AbsolutePath.TrimStart('/')),
            user,
            login.Length > 1 ? Decode(login[1]) : null);
        if (user.Length == 0)
        {
            throw Invalid("it names no user");
        }

        address = address with { Database = address.Database.Length == 0 ? user : address.Database };
        foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = pair.Split('=', 2);
            address = address.With(Decode(parts[0]), parts.Length > 1 ? Decode(parts[1]) : "");
        }

        return address;
    }

    public static TlsMode ParseTls(string text) => text switch
    {
        "disable" => TlsMode.Disable,
        "prefer" or "allow" => TlsMode.Prefer,
        "require" => TlsMode.Require,
        "verify-ca" => TlsMode.VerifyCa,
        "verify-full" => TlsMode.VerifyFull,
        _ => throw Invalid($"sslmode `{text}` is none of disable, prefer, require, verify-ca, verify-full"),
    };

    /// <summary>Without the password.</summary>
    public override string ToString() => $"postgres://{User}@{Display}";

    private PostgresAddress With(string key, string value) => key switch
    {
        "sslmode" => this with { Tls = ParseTls(value) },
        "sslrootcert" => this with { RootCertificate = value },
        "sslcert" => this with { ClientCertificate = value },
        "sslkey" => this with { ClientKey = value },
        "host" => this with { Host = value },
        "port" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int port) => this with { Port = port },
        "dbname" => this with { Database = value },
        "user" => this with { User = value },
        "password" => this with { Password = value },

        // What providers add for other clients (channel_binding, pgbouncer, connect_timeout …) changes nothing here: the session's settings are fixed.
        _ => this,
    };

    private static string Decode(string text) => Uri.UnescapeDataString(text);

    private static SyncException Invalid(string reason) =>
        new(SyncExit.Usage, "config_invalid", $"The Postgres URL cannot be read: {reason}.", "Write postgres://user:password@host:5432/database.");
}
