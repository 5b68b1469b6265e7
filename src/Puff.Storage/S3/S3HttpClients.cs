using Amazon.Runtime;

namespace Puff.Storage.S3;

/// <summary>A request broke off. The cause is deliberately no inner exception: the SDK looks there for reasons to send the request again.</summary>
internal sealed class BrokenRequestException(HttpRequestException cause) : Exception(cause.Message)
{
    public HttpRequestException Cause { get; } = cause;
}

/// <summary>
/// Gives one SDK client its HTTP client, over connections shared with others. Two things differ from the SDK's own. Small bodies go without
/// "Expect: 100-continue": asking for leave first would double the time of every commit. And for a client that must send everything once,
/// broken connections are hidden from the SDK: it takes some for stale and sends the request again, up to ten times and whatever
/// MaxErrorRetry says, so that a conditional put that had won would come back as lost.
/// </summary>
internal sealed class S3HttpClients(SocketsHttpHandler connections, S3StoreOptions options, bool mayRepeat) : HttpClientFactory, IDisposable
{
    private const int SmallBodyBytes = 1 << 20;

    private readonly HttpClient client = new(new Handler(connections, options, mayRepeat), disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Enough connections for parallel range reads.</summary>
    public static SocketsHttpHandler CreateConnections() => new()
    {
        MaxConnectionsPerServer = 256,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
        ConnectTimeout = TimeSpan.FromSeconds(5),
        AllowAutoRedirect = false,
    };

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => client;

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    public void Dispose() => client.Dispose();

    private sealed class Handler(HttpMessageHandler inner, S3StoreOptions options, bool mayRepeat) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            bool isLarge = request.Content is { } content && !(content.Headers.ContentLength < SmallBodyBytes);
            if (!isLarge)
            {
                request.Headers.ExpectContinue = false;
            }

            // The clock runs here and not in HttpClient, whose cancellation the SDK takes for a reason to send again.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var timeout = isLarge || options.Timeout < options.AnswerTimeout ? options.Timeout : options.AnswerTimeout;
            patience.CancelAfter(timeout);
            try
            {
                return await base.SendAsync(request, patience.Token);
            }
            catch (HttpRequestException error) when (!mayRepeat)
            {
                throw new BrokenRequestException(error);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                var silence = new HttpRequestException(HttpRequestError.Unknown, $"no answer within {timeout.TotalSeconds:0.#} s");
                throw mayRepeat ? silence : new BrokenRequestException(silence);
            }
        }
    }
}
