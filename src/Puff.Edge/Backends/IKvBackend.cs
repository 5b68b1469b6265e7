using System.Buffers;

namespace Puff.Edge.Backends;

/// <summary>One change of a key-value store.</summary>
/// <param name="key">UTF-8.</param>
/// <param name="value">UTF-8; null removes the key.</param>
internal sealed class KvWrite(byte[] key, byte[]? value)
{
    public byte[] Key { get; } = key;

    public byte[]? Value { get; } = value;

    /// <summary>Set by the commit of a removal: whether there was something to remove.</summary>
    public bool Existed { get; set; }

    /// <summary>When set, nothing is changed: the commit fails with Aborted unless the key has this value (null: unless it is absent).</summary>
    public KvExpectation? Expectation { get; init; }

    public int ByteCount => Key.Length + (Value?.Length ?? 0);
}

/// <param name="Value">Null when the key must be absent.</param>
internal sealed record KvExpectation(byte[]? Value)
{
    /// <summary>Ends the commit when the key has changed.</summary>
    public void Check(bool isThere, ReadOnlySpan<byte> value)
    {
        if (isThere ? Value is null || !value.SequenceEqual(Value) : Value is not null)
        {
            throw new Transport.EdgeException(Transport.GrpcStatus.Aborted, "a key that the transaction read or wrote was changed meanwhile");
        }
    }
}

/// <summary>An engine's key-value store: any number of readers, one writer at a time.</summary>
internal interface IKvBackend : IDisposable
{
    /// <summary>Whether readers and writers of other processes may be there at the same time.</summary>
    bool IsShared { get; }

    IKvReader CreateReader();

    /// <summary>All of them in order, or none; durable when it returns.</summary>
    void Commit(IReadOnlyList<KvWrite> writes);
}

/// <summary>Reads what is committed. Used by one thread at a time.</summary>
internal interface IKvReader : IDisposable
{
    /// <summary>Hands the value to <paramref name="read"/> when the key exists; the bytes are valid during the call only.</summary>
    bool TryRead<TState>(ReadOnlySpan<byte> key, TState state, ReadOnlySpanAction<byte, TState> read);

    /// <summary>From here on reads see the store as it is now, until <see cref="EndSnapshot"/>.</summary>
    void BeginSnapshot();

    void EndSnapshot();
}
