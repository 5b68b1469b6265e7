using System.Net;

namespace Puff.Edge.Client;

/// <summary>A connection to an edge server: over the network, or to a server in this process without a socket. Shared by clients; thread-safe.</summary>
public sealed class EdgeChannel : IDisposable
{
    private readonly HttpMessageInvoker invoker;
    private readonly Uri address;

    /// <param name="address">"http://host:port": HTTP/2 with prior knowledge; "https://…": with TLS.</param>
    public EdgeChannel(Uri address)
        : this(address, null)
    {
    }

    internal EdgeChannel(Uri address, Func<CancellationToken, ValueTask<Stream>>? connect)
    {
        this.address = address;
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true, InitialHttp2StreamWindowSize = 4 << 20, AutomaticDecompression = DecompressionMethods.None, UseProxy = false,
        };
        if (connect is not null)
        {
            handler.ConnectCallback = (_, cancellation) => connect(cancellation);
        }

        invoker = new HttpMessageInvoker(handler);
    }

    internal DuplexCall Open(string path, IEnumerable<KeyValuePair<string, string>>? metadata, CancellationToken cancellation) =>
        new(invoker, address, path, metadata, cancellation);

    public void Dispose() => invoker.Dispose();
}
