using Puff.Server.Security;

namespace Puff.Server;

/// <summary>The numbers and names a user sets for a server.</summary>
public sealed record PuffServerOptions
{
    /// <summary>Addresses as IP:PORT, for example "127.0.0.1:8080", "[::1]:8080" or ":8080" for all; port 0 lets the system choose.</summary>
    public IReadOnlyList<string> Listen { get; init; } = ["127.0.0.1:8080"];

    /// <summary>Without keys only loopback addresses may be listened on, and every bearer token is accepted.</summary>
    public IReadOnlyList<ApiKey> Keys { get; init; } = [];

    /// <summary>Larger request bodies are refused with 413; holds before and after unpacking.</summary>
    public int MaxRequestBytes { get; init; } = 512 << 20;

    /// <summary>Bytes that all request bodies in flight may hold together; more are refused with 429.</summary>
    public long MaxBufferedBytes { get; init; } = 2L << 30;

    /// <summary>Connections open at once; more are closed as they come.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>How long requests in flight may take to finish when the server stops.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a stopping server still accepts connections while `/v1/ready` says 503, so that load balancers notice first; part of
    /// <see cref="DrainTimeout"/>. Skipped when nobody has ever asked for readiness.
    /// </summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether `/v1/debug/…` is there: counters for tests and measurements.</summary>
    public bool DebugEndpoints { get; init; }

    /// <summary>A store that does not answer a readiness check for so long counts as unavailable.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
