namespace Puff.Edge.Client;

/// <summary>A stream of requests with one answer each: requests are sent while answers are read.</summary>
internal static class StreamingCall
{
    /// <summary>Requests that are sent together when they are at hand.</summary>
    private const int MaxTogether = 256;

    public static async IAsyncEnumerable<TAnswer> RunAsync<TRequest, TAnswer>(
        DuplexCall call, IAsyncEnumerable<TRequest> requests, Func<TRequest, ReadOnlyMemory<byte>> encode, Func<byte[], TAnswer> decode)
    {
        await using (call)
        {
            Task sending = SendAsync(call, requests, encode);
            while (await call.ReadAsync() is { } message)
            {
                yield return decode(message);
            }

            await sending;
        }
    }

    /// <summary>All requests, then the one answer; the server may give it before it has read them all.</summary>
    public static async Task<TAnswer> RunForOneAsync<TRequest, TAnswer>(
        DuplexCall call, IAsyncEnumerable<TRequest> requests, Func<TRequest, ReadOnlyMemory<byte>> encode, Func<byte[], TAnswer> decode)
    {
        await using (call)
        {
            Task sending = SendAsync(call, requests, encode);
            byte[]? message = await call.ReadAsync();
            await Task.WhenAny(sending, Task.CompletedTask);
            return decode(message ?? []);
        }
    }

    private static async Task SendAsync<TRequest>(DuplexCall call, IAsyncEnumerable<TRequest> requests, Func<TRequest, ReadOnlyMemory<byte>> encode)
    {
        try
        {
            var pending = new List<ReadOnlyMemory<byte>>();
            await using IAsyncEnumerator<TRequest> source = requests.GetAsyncEnumerator();
            ValueTask<bool> next = source.MoveNextAsync();
            while (true)
            {
                // What would have to be waited for must not hold back what is there.
                if (pending.Count > 0 && (!next.IsCompleted || pending.Count >= MaxTogether))
                {
                    await call.WriteAsync(pending);
                    pending.Clear();
                }

                if (!await next)
                {
                    break;
                }

                pending.Add(encode(source.Current));
                next = source.MoveNextAsync();
            }

            await call.WriteAsync(pending);
            await call.CompleteAsync();
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or HttpRequestException or ObjectDisposedException)
        {
            // The server has ended the call: the reader learns the status.
        }
    }
}
