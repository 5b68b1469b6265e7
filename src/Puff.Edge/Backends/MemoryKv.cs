using System.Buffers;
using System.Collections.Immutable;

namespace Puff.Edge.Backends;

/// <summary>Orders keys by their bytes.</summary>
internal sealed class ByteOrder : IComparer<byte[]>
{
    public static readonly ByteOrder Instance = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}

/// <summary>A key-value store that ends with the process: for tests and short-lived data.</summary>
internal sealed class MemoryKv : IKvBackend
{
    // A version of the whole store is one reference: snapshots cost nothing, and readers never wait.
    private ImmutableSortedDictionary<byte[], byte[]> current = ImmutableSortedDictionary.Create<byte[], byte[]>(ByteOrder.Instance);

    public bool IsShared => false;

    public IKvReader CreateReader() => new Reader(this);

    public void Commit(IReadOnlyList<KvWrite> writes)
    {
        var next = current.ToBuilder();
        foreach (KvWrite write in writes)
        {
            if (write.Expectation is { } expectation)
            {
                bool isThere = next.TryGetValue(write.Key, out byte[]? value);
                expectation.Check(isThere, value);
            }
            else if (write.Value is null)
            {
                write.Existed = next.Remove(write.Key);
            }
            else
            {
                next[write.Key] = write.Value;
            }
        }

        Volatile.Write(ref current, next.ToImmutable());
    }

    public void Dispose()
    {
    }

    private sealed class Reader(MemoryKv store) : IKvReader
    {
        private ImmutableSortedDictionary<byte[], byte[]>? snapshot;

        public bool TryRead<TState>(ReadOnlySpan<byte> key, TState state, ReadOnlySpanAction<byte, TState> read)
        {
            bool isThere = (snapshot ?? Volatile.Read(ref store.current)).TryGetValue(key.ToArray(), out byte[]? value);
            if (isThere)
            {
                read(value, state);
            }

            return isThere;
        }

        public void BeginSnapshot() => snapshot = Volatile.Read(ref store.current);

        public void EndSnapshot() => snapshot = null;

        public void Dispose()
        {
        }
    }
}
