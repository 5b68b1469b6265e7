using System.Buffers;
using Google.Protobuf;
using Puff.Edge.Protos.Kv;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>Begin, commit and rollback. What goes wrong with an end is answered in band.</summary>
internal sealed class TransactionService(TransactionTable transactions)
{
    public async Task BeginAsync(GrpcCall call)
    {
        BeginTransactionRequest request = await ReadOneAsync(call, BeginTransactionRequest.Parser);
        var transaction = transactions.Begin(
            request is { HasReadOnly: true, ReadOnly: true }, request.HasTimeoutMs ? request.TimeoutMs : null);
        call.Write(new BeginTransactionResponse { TransactionId = transaction.Id }.ToByteArray());
    }

    public async Task CommitAsync(GrpcCall call)
    {
        CommitTransactionRequest request = await ReadOneAsync(call, CommitTransactionRequest.Parser);
        string? error = await EndAsync(request.TransactionId, transaction => transaction.CommitAsync());
        var response = new CommitTransactionResponse { Success = error is null };
        if (error is not null)
        {
            response.ErrorMessage = error;
        }

        call.Write(response.ToByteArray());
    }

    public async Task RollbackAsync(GrpcCall call)
    {
        RollbackTransactionRequest request = await ReadOneAsync(call, RollbackTransactionRequest.Parser);
        string? error = await EndAsync(request.TransactionId, _ => Task.CompletedTask);
        var response = new RollbackTransactionResponse { Success = error is null };
        if (error is not null)
        {
            response.ErrorMessage = error;
        }

        call.Write(response.ToByteArray());
    }

    /// <summary>The one request of a call that is not a stream.</summary>
    public static async Task<T> ReadOneAsync<T>(GrpcCall call, MessageParser<T> parser)
        where T : IMessage<T>
    {
        if (!await call.WaitToReadAsync() || !call.TryRead(out ReadOnlySequence<byte> message))
        {
            throw EdgeException.Internal("the call carries no request");
        }

        try
        {
            return parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new EdgeException(GrpcStatus.Internal, $"a message is no valid protobuf: {error.Message}", error);
        }
    }

    private async Task<string?> EndAsync(string id, Func<EdgeTransaction, Task> end)
    {
        using EdgeTransaction? transaction = transactions.Take(id);
        if (transaction is null)
        {
            return TransactionTable.Unknown(id).Message;
        }

        try
        {
            await end(transaction);
            return null;
        }
        catch (EdgeException error)
        {
            return error.Message;
        }
    }
}
