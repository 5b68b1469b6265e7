using System.Buffers;
using System.Text;
using Puff.Edge.Backends;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>The key-value service (buffdb.kv.Kv): one answer per request, in order, each after its effect is durable.</summary>
internal sealed class KvService(KvStore store, TransactionTable transactions, ServiceOptions options)
{
    public async Task GetAsync(GrpcCall call)
    {
        while (await call.WaitToReadAsync())
        {
            using (var lease = store.Rent())
            {
                while (!call.IsFull && call.TryRead(out ReadOnlySequence<byte> message))
                {
                    AnswerGet(call, lease.Reader, Item.Parse(message));
                }
            }

            await call.FlushAsync();
        }
    }

    public async Task SetAsync(GrpcCall call)
    {
        var items = new List<Item>();
        var writes = new List<KvWrite>();
        while (await call.WaitToReadAsync())
        {
            EdgeException? failure = Requests.Take(call, items, Requests.MaxItems, Item.ParseSet);
            failure = await ApplyAsync(items, writes, item => item.Value ?? [], failure);
            foreach (Item item in items)
            {
                Requests.WriteBytes(call, item.Key);
            }

            await call.FlushAsync();
            ThrowIf(failure);
        }
    }

    public async Task DeleteAsync(GrpcCall call)
    {
        bool isStrict = Requests.IsStrict(call);
        var items = new List<Item>();
        var writes = new List<KvWrite>();
        while (await call.WaitToReadAsync())
        {
            // Strictness lets nothing happen after a key that is missing, so each removal has to be known before the next.
            EdgeException? failure = Requests.Take(call, items, isStrict ? 1 : Requests.MaxItems, Item.Parse);
            failure = await ApplyAsync(items, writes, static _ => null, failure);
            foreach (Item item in items)
            {
                if (isStrict && !item.Existed)
                {
                    throw Missing(item.Key);
                }

                Requests.WriteBytes(call, item.Key);
            }

            await call.FlushAsync();
            ThrowIf(failure);
        }
    }

    public Task EqAsync(GrpcCall call) => CompareAsync(call, new Comparison(wantsEqual: true));

    public Task NotEqAsync(GrpcCall call) => CompareAsync(call, new Comparison(wantsEqual: false));

    /// <summary>Of release 0.2: several keys in a request, their values in one answer.</summary>
    public async Task GetManyAsync(GrpcCall call)
    {
        while (await call.WaitToReadAsync())
        {
            using (var lease = store.Rent())
            {
                while (!call.IsFull && call.TryRead(out ReadOnlySequence<byte> message))
                {
                    AnswerGetMany(call, lease.Reader, Requests.Span(message));
                }
            }

            await call.FlushAsync();
        }
    }

    private void AnswerGet(GrpcCall call, IKvReader reader, Item item)
    {
        if (item.Transaction is not null)
        {
            Requests.WriteBytes(call, transactions.Find(item.Transaction).Get(item.Key) ?? throw Missing(item.Key));
        }
        else if (!reader.TryRead(item.Key, call, static (value, call) => Requests.WriteBytes(call, value)))
        {
            throw Missing(item.Key);
        }
    }

    private void AnswerGetMany(GrpcCall call, IKvReader reader, ReadOnlySpan<byte> message)
    {
        var answer = new ArrayBufferWriter<byte>();
        var fields = new MessageReader(message);
        while (fields.Next())
        {
            if (fields.Field == 1 && !reader.TryRead(fields.Text("key"), answer, static (value, answer) =>
            {
                answer.Advance(MessageWriter.Head(answer.GetSpan(MessageWriter.MaxField), 1, value.Length));
                answer.Write(value);
            }))
            {
                throw Missing(fields.Bytes);
            }
        }

        call.Write(answer.WrittenSpan);
    }

    /// <summary>Stages what belongs to transactions, and commits the rest. A failing item ends the round before it; the failure is returned.</summary>
    private async Task<EdgeException?> ApplyAsync(List<Item> items, List<KvWrite> writes, Func<Item, byte[]?> valueOf, EdgeException? failure)
    {
        writes.Clear();
        for (int index = 0; index < items.Count; index++)
        {
            Item item = items[index];
            try
            {
                if (item.Transaction is not null)
                {
                    item.Existed = transactions.Find(item.Transaction).Put(item.Key, valueOf(item));
                    continue;
                }
            }
            catch (EdgeException error)
            {
                items.RemoveRange(index, items.Count - index);
                failure = error;
                break;
            }

            item.Write = new KvWrite(item.Key, valueOf(item));
            writes.Add(item.Write);
        }

        if (writes.Count > 0)
        {
            await store.WriteAsync([.. writes]);
        }

        return failure;
    }

    private async Task CompareAsync(GrpcCall call, Comparison comparison)
    {
        while (await call.WaitToReadAsync())
        {
            using var lease = store.Rent();
            while (call.TryRead(out ReadOnlySequence<byte> message))
            {
                Item item = Item.Parse(message);
                bool[] verdict = [true];
                if (!lease.Reader.TryRead(item.Key, (comparison, verdict), static (value, state) => state.verdict[0] = state.comparison.Add(value)))
                {
                    throw Missing(item.Key);
                }

                if (!verdict[0])
                {
                    Comparison.Answer(call, false);
                    return;
                }
            }
        }

        Comparison.Answer(call, true);
    }

    private EdgeException Missing(ReadOnlySpan<byte> key) => new(options.MissingStatus, $"key \"{Encoding.UTF8.GetString(key)}\" does not exist");

    private static void ThrowIf(EdgeException? failure)
    {
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>One request of Get, Set, Delete, Eq or NotEq: their fields have the same numbers, but for the transaction's.</summary>
    private sealed class Item
    {
        private bool existed;

        public byte[] Key { get; private set; } = [];

        public byte[]? Value { get; private set; }

        public string? Transaction { get; private set; }

        public KvWrite? Write { get; set; }

        public bool Existed
        {
            get => Write?.Existed ?? existed;
            set => existed = value;
        }

        /// <summary>Get and Delete carry the transaction in field 2, Set in field 3 after its value in field 2.</summary>
        public static Item Parse(ReadOnlySequence<byte> message) => Parse(message, hasValue: false);

        public static Item ParseSet(ReadOnlySequence<byte> message) => Parse(message, hasValue: true);

        private static Item Parse(ReadOnlySequence<byte> message, bool hasValue)
        {
            var item = new Item();
            var fields = new MessageReader(Requests.Span(message));
            while (fields.Next())
            {
                if (fields.Field == 1)
                {
                    item.Key = fields.Text("key").ToArray();
                }
                else if (fields.Field == 2 && hasValue)
                {
                    item.Value = fields.Text("value").ToArray();
                }
                else if (fields.Field == (hasValue ? 3 : 2))
                {
                    item.Transaction = Encoding.UTF8.GetString(fields.Text("transaction id"));
                }
            }

            return item;
        }
    }
}
