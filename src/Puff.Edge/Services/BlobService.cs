using System.Buffers;
using System.Text;
using Puff.Edge.Backends;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>The blob service (buffdb.blob.Blob): one answer per request, in order, each after its effect is durable.</summary>
internal sealed class BlobService(BlobStore store, TransactionTable transactions, ServiceOptions options)
{
    public async Task GetAsync(GrpcCall call)
    {
        while (await call.WaitToReadAsync())
        {
            using (var lease = store.Rent())
            {
                while (!call.IsFull && call.TryRead(out ReadOnlySequence<byte> message))
                {
                    AnswerGet(call, lease.Reader, ParseId(message));
                }
            }

            await call.FlushAsync();
        }
    }

    public Task StoreAsync(GrpcCall call) => WriteAsync(call, ParseStore);

    public Task UpdateAsync(GrpcCall call) => WriteAsync(call, ParseUpdate);

    public Task DeleteAsync(GrpcCall call) =>
        WriteAsync(call, message =>
        {
            var (id, transaction) = ParseId(message);
            return new Item(new BlobWrite(BlobOperation.Delete) { Id = id }, transaction);
        });

    public Task EqDataAsync(GrpcCall call) => CompareAsync(call, new Comparison(wantsEqual: true));

    public Task NotEqDataAsync(GrpcCall call) => CompareAsync(call, new Comparison(wantsEqual: false));

    private void AnswerGet(GrpcCall call, IBlobReader reader, (ulong Id, string? Transaction) item)
    {
        bool isThere = true;
        if (item.Transaction is null)
        {
            isThere = reader.TryRead(item.Id, call, static (blob, call) => Write(call, blob));
        }
        else if (transactions.Find(item.Transaction).Get(item.Id) is { } seen)
        {
            Write(call, new BlobView(seen.Data, Encoding.UTF8.GetBytes(seen.Metadata ?? ""), seen.Metadata is not null));
        }
        else
        {
            isThere = false;
        }

        if (!isThere)
        {
            throw Missing(item.Id);
        }
    }

    private static void Write(GrpcCall call, BlobView blob)
    {
        Span<byte> head = stackalloc byte[MessageWriter.MaxField];
        int headLength = blob.Data.IsEmpty ? 0 : MessageWriter.Head(head, 1, blob.Data.Length);
        if (!blob.HasMetadata)
        {
            call.Write(head[..headLength], blob.Data);
            return;
        }

        byte[] tail = new byte[MessageWriter.MaxField + blob.Metadata.Length];
        int tailLength = MessageWriter.Head(tail, 2, blob.Metadata.Length);
        blob.Metadata.CopyTo(tail.AsSpan(tailLength));
        call.Write(head[..headLength], blob.Data, tail.AsSpan(0, tailLength + blob.Metadata.Length));
    }

    private async Task WriteAsync(GrpcCall call, Func<ReadOnlySequence<byte>, Item> parse)
    {
        bool isStrict = Requests.IsStrict(call);
        var items = new List<Item>();
        while (await call.WaitToReadAsync())
        {
            EdgeException? failure = Requests.Take(call, items, isStrict ? 1 : Requests.MaxItems, parse);
            failure = await ApplyAsync(items, failure);
            foreach (Item item in items)
            {
                if (isStrict && item.Write.Operation != BlobOperation.Store && !item.Write.Existed)
                {
                    throw Missing(item.Write.Id);
                }

                Requests.WriteId(call, item.Write.Id);
            }

            await call.FlushAsync();
            if (failure is not null)
            {
                throw failure;
            }
        }
    }

    /// <summary>Stages what belongs to transactions, and commits the rest. A failing item ends the round before it; the failure is returned.</summary>
    private async Task<EdgeException?> ApplyAsync(List<Item> items, EdgeException? failure)
    {
        var writes = new List<BlobWrite>();
        for (int index = 0; index < items.Count; index++)
        {
            Item item = items[index];
            if (item.Transaction is null)
            {
                writes.Add(item.Write);
                continue;
            }

            try
            {
                await StageAsync(item.Write, transactions.Find(item.Transaction));
            }
            catch (EdgeException error)
            {
                items.RemoveRange(index, items.Count - index);
                failure = error;
                break;
            }
        }

        if (writes.Count > 0)
        {
            await store.WriteAsync(writes);
        }

        return failure;
    }

    private async Task StageAsync(BlobWrite write, EdgeTransaction transaction)
    {
        if (write.Operation == BlobOperation.Store)
        {
            // The answer carries the id before the blob is there: it is given out now, and never again whatever becomes of the transaction.
            var reserved = new BlobWrite(BlobOperation.Reserve);
            await store.WriteAsync([reserved]);
            write.Id = reserved.Id;
        }

        write.Existed = transaction.Put(write);
    }

    private async Task CompareAsync(GrpcCall call, Comparison comparison)
    {
        while (await call.WaitToReadAsync())
        {
            using var lease = store.Rent();
            while (call.TryRead(out ReadOnlySequence<byte> message))
            {
                foreach (ulong id in ParseIds(message))
                {
                    bool[] verdict = [true];
                    if (!lease.Reader.TryRead(id, (comparison, verdict), static (blob, state) => state.verdict[0] = state.comparison.Add(blob.Data)))
                    {
                        throw Missing(id);
                    }

                    if (!verdict[0])
                    {
                        Comparison.Answer(call, false);
                        return;
                    }
                }
            }
        }

        Comparison.Answer(call, true);
    }

    private EdgeException Missing(ulong id) => new(options.MissingStatus, $"blob {id} does not exist");

    private static (ulong Id, string? Transaction) ParseId(ReadOnlySequence<byte> message)
    {
        ulong id = 0;
        string? transaction = null;
        var fields = new MessageReader(Requests.Span(message));
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    id = fields.Integer();
                    break;
                case 2:
                    transaction = Encoding.UTF8.GetString(fields.Text("transaction id"));
                    break;
            }
        }

        return (id, transaction);
    }

    /// <summary>One id, or several packed into one message, as release 0.2 sends them.</summary>
    private static List<ulong> ParseIds(ReadOnlySequence<byte> message)
    {
        var ids = new List<ulong>();
        var fields = new MessageReader(Requests.Span(message));
        while (fields.Next())
        {
            if (fields.Field == 1 && fields.IsBytes)
            {
                fields.Varints(ids);
            }
            else if (fields.Field == 1)
            {
                ids.Add(fields.Number);
            }
        }

        // The default takes no bytes: an empty message is id 0.
        if (ids.Count == 0 && message.IsEmpty)
        {
            ids.Add(0);
        }

        return ids;
    }

    private static Item ParseStore(ReadOnlySequence<byte> message)
    {
        byte[] data = [];
        byte[]? metadata = null;
        string? transaction = null;
        var fields = new MessageReader(Requests.Span(message));
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    data = fields.Payload().ToArray();
                    break;
                case 2:
                    metadata = fields.Text("metadata").ToArray();
                    break;
                case 3:
                    transaction = Encoding.UTF8.GetString(fields.Text("transaction id"));
                    break;
            }
        }

        return new Item(new BlobWrite(BlobOperation.Store) { Data = data, SetsMetadata = true, Metadata = metadata }, transaction);
    }

    private static Item ParseUpdate(ReadOnlySequence<byte> message)
    {
        ulong id = 0;
        byte[]? data = null;
        byte[]? metadata = null;
        bool setsMetadata = false;
        string? transaction = null;
        var fields = new MessageReader(Requests.Span(message));
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    id = fields.Integer();
                    break;
                case 2:
                    data = fields.Payload().ToArray();
                    break;
                case 3:
                    setsMetadata = fields.Integer() != 0;
                    break;
                case 4:
                    metadata = fields.Text("metadata").ToArray();
                    break;
                case 5:
                    transaction = Encoding.UTF8.GetString(fields.Text("transaction id"));
                    break;
            }
        }

        return new Item(new BlobWrite(BlobOperation.Update) { Id = id, Data = data, SetsMetadata = setsMetadata, Metadata = metadata }, transaction);
    }

    private readonly record struct Item(BlobWrite Write, string? Transaction);
}
