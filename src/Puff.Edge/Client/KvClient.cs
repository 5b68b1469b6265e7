using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Puff.Edge.Protos.Kv;

namespace Puff.Edge.Client;

/// <summary>The key-value service of a server, remote or in this process. Thread-safe. Errors are <see cref="Transport.EdgeException"/>.</summary>
public sealed class KvClient(EdgeChannel channel)
{
    private const string Service = "/buffdb.kv.Kv/";

    /// <summary>One value a key, in order. A missing key ends the stream with NotFound after the values before it.</summary>
    public IAsyncEnumerable<string> GetAsync(IAsyncEnumerable<string> keys, string? transaction = null, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Get", cancellation), keys, key => Encode(WithTransaction(key, transaction)), GetOf);

    public async Task<string> GetAsync(string key, string? transaction = null, CancellationToken cancellation = default) =>
        await GetAsync(One(key), transaction, cancellation).SingleAsync(cancellation);

    /// <summary>Inserts or replaces; each answer is its key, given when the pair is durable.</summary>
    public IAsyncEnumerable<string> SetAsync(
        IAsyncEnumerable<KeyValuePair<string, string>> pairs, string? transaction = null, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Set", cancellation), pairs, pair => Encode(WithTransaction(pair, transaction)), KeyOf);

    public async Task SetAsync(string key, string value, string? transaction = null, CancellationToken cancellation = default) =>
        await SetAsync(One(KeyValuePair.Create(key, value)), transaction, cancellation).SingleAsync(cancellation);

    /// <summary>Removes; a missing key is answered like any other.</summary>
    public IAsyncEnumerable<string> DeleteAsync(IAsyncEnumerable<string> keys, string? transaction = null, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Delete", cancellation), keys, key => Encode(DeleteOf(key, transaction)), KeyOf);

    public async Task DeleteAsync(string key, string? transaction = null, CancellationToken cancellation = default) =>
        await DeleteAsync(One(key), transaction, cancellation).SingleAsync(cancellation);

    /// <summary>Whether all keys have the same value.</summary>
    public Task<bool> EqAsync(IAsyncEnumerable<string> keys, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(Open("Eq", cancellation), keys, key => Encode(new EqRequest { Key = key }), VerdictOf);

    /// <summary>Whether no two keys have the same value.</summary>
    public Task<bool> NotEqAsync(IAsyncEnumerable<string> keys, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(Open("NotEq", cancellation), keys, key => Encode(new NotEqRequest { Key = key }), VerdictOf);

    /// <summary>Begins a transaction over both stores of the server and returns its id.</summary>
    public async Task<string> BeginTransactionAsync(bool isReadOnly = false, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        var request = new BeginTransactionRequest { ReadOnly = isReadOnly };
        if (timeout is { } given)
        {
            request.TimeoutMs = (int)Math.Min(given.TotalMilliseconds, int.MaxValue);
        }

        return await StreamingCall.RunForOneAsync(
            Open("BeginTransaction", cancellation), One(request), Encode, answer => BeginTransactionResponse.Parser.ParseFrom(answer).TransactionId);
    }

    /// <summary>Null when everything is committed, else why nothing is.</summary>
    public Task<string?> CommitAsync(string transaction, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(
            Open("CommitTransaction", cancellation), One(new CommitTransactionRequest { TransactionId = transaction }), Encode,
            answer => CommitTransactionResponse.Parser.ParseFrom(answer) is { Success: false } failed ? failed.ErrorMessage : null);

    /// <summary>Null when it is rolled back, else why there was nothing to roll back.</summary>
    public Task<string?> RollbackAsync(string transaction, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(
            Open("RollbackTransaction", cancellation), One(new RollbackTransactionRequest { TransactionId = transaction }), Encode,
            answer => RollbackTransactionResponse.Parser.ParseFrom(answer) is { Success: false } failed ? failed.ErrorMessage : null);

    internal static bool VerdictOf(byte[] answer) => BoolValue.Parser.ParseFrom(answer).Value;

    internal static ReadOnlyMemory<byte> Encode(IMessage message) => message.ToByteArray();

    internal static async IAsyncEnumerable<T> One<T>(T item)
    {
        yield return item;
        await Task.CompletedTask;
    }

    private DuplexCall Open(string method, CancellationToken cancellation) => channel.Open(Service + method, null, cancellation);

    private static string GetOf(byte[] answer) => GetResponse.Parser.ParseFrom(answer).Value;

    private static string KeyOf(byte[] answer) => SetResponse.Parser.ParseFrom(answer).Key;

    private static GetRequest WithTransaction(string key, string? transaction)
    {
        var request = new GetRequest { Key = key };
        if (transaction is not null)
        {
            request.TransactionId = transaction;
        }

        return request;
    }

    private static SetRequest WithTransaction(KeyValuePair<string, string> pair, string? transaction)
    {
        var request = new SetRequest { Key = pair.Key, Value = pair.Value };
        if (transaction is not null)
        {
            request.TransactionId = transaction;
        }

        return request;
    }

    private static DeleteRequest DeleteOf(string key, string? transaction)
    {
        var request = new DeleteRequest { Key = key };
        if (transaction is not null)
        {
            request.TransactionId = transaction;
        }

        return request;
    }
}
