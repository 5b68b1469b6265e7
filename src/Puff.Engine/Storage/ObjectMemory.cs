using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Storage;

/// <summary>
/// A reference-counted block of unmanaged or mapped memory with the bytes of one object. Created with one reference; the last
/// <see cref="Release"/> frees it. Whoever keeps it beyond the call that received it adds a reference first.
/// May be longer than 2 GiB, hence the pointer.
/// </summary>
public abstract unsafe class ObjectMemory
{
    private int references = 1;

    protected ObjectMemory(byte* pointer, long length)
    {
        Pointer = pointer;
        Length = length;
    }

    public byte* Pointer { get; }

    public long Length { get; }

    /// <summary>Bytes <paramref name="offset"/> .. <paramref name="offset"/> + <paramref name="length"/>; throws when they are not inside the block.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset}..{offset + length} of a block of {Length}");
        }

        return new ReadOnlySpan<byte>(Pointer + offset, length);
    }

    /// <summary>The whole block; only for blocks below 2 GiB.</summary>
    public ReadOnlySpan<byte> Span => new(Pointer, checked((int)Length));

    /// <summary>
    /// Whether bytes that are needed once are better copied with <see cref="Read"/> than read in place: in place, a mapped file takes up many pages for every
    /// byte that is touched, for as long as it is mapped.
    /// </summary>
    public virtual bool PrefersCopies => false;

    /// <summary>
    /// Copies the bytes from <paramref name="offset"/> on; throws when they are not inside the block. A <see cref="StoreException"/> says that a file could not
    /// be read.
    /// </summary>
    public virtual void Read(long offset, Span<byte> destination) => Slice(offset, destination.Length).CopyTo(destination);

    /// <summary>
    /// Makes sure that bytes may be read: memory that is filled on demand fetches what it does not have, and blocks meanwhile. Every other kind has all.
    /// </summary>
    /// <exception cref="PuffException">Unavailable: the store fails. Corrupt: the object is gone, or of another length than was said.</exception>
    public virtual void Require(long offset, long length)
    {
    }

    /// <summary>Fetches bytes once more that turned out to be damaged. False when what is here is all there is.</summary>
    public virtual bool Reload(long offset, long length) => false;

    /// <summary>
    /// Hands over bytes of the object that came another way, and need not be fetched any more: whole blocks of 64 KiB, only the last of the object may be
    /// shorter. Anything else, and memory that has all, is not changed.
    /// </summary>
    public virtual void Provide(long offset, ReadOnlySpan<byte> content)
    {
    }

    /// <summary>Whether <see cref="Require"/> may have something to do.</summary>
    public virtual bool IsDemandLoaded => false;

    /// <summary>
    /// Which blocks of 64 KiB may be read without asking, a bit each, when that may change; null when what was required once stays as long as the memory.
    /// </summary>
    internal virtual ulong[]? ReadyBlocks => null;

    /// <summary>Who reads memory of which blocks may be taken away; null when none may.</summary>
    internal virtual ReaderEpochs? Readers => null;

    /// <summary>Marks a block in <see cref="ReadyBlocks"/>. False when it is not here any more, or was never found good and is not now.</summary>
    /// <param name="block">Its number.</param>
    /// <param name="isGood">Whether its checksum was verified since it came.</param>
    internal virtual bool TryMarkReady(int block, bool isGood) => true;

    /// <summary>Keeps bytes here as long as the memory is open: whoever asks keeps a pointer to them.</summary>
    internal virtual void Hold(long offset, long length)
    {
    }

    /// <summary>
    /// One owner's promise that from now on nobody reads through it without a ticket of <see cref="Readers"/>, except what is held. Nothing is taken away
    /// before all owners have promised.
    /// </summary>
    internal virtual void AllowEviction()
    {
    }

    /// <summary>An owner that has not promised goes.</summary>
    internal virtual void ReleaseOwner() => Release();

    public void AddReference()
    {
        if (Interlocked.Increment(ref references) <= 1)
        {
            throw new ObjectDisposedException(nameof(ObjectMemory), "the block was already freed");
        }
    }

    /// <summary>False when the last reference is gone already.</summary>
    internal bool TryAddReference()
    {
        for (int known = Volatile.Read(ref references); known > 0;)
        {
            int found = Interlocked.CompareExchange(ref references, known + 1, known);
            if (found == known)
            {
                return true;
            }

            known = found;
        }

        return false;
    }

    public void Release()
    {
        int left = Interlocked.Decrement(ref references);
        if (left == 0)
        {
            Free();
        }
        else if (left < 0)
        {
            throw new ObjectDisposedException(nameof(ObjectMemory), "released more often than referenced");
        }
    }

    /// <summary>Returns the memory to where it came from; called once.</summary>
    protected abstract void Free();
}

/// <summary>Unmanaged memory, aligned to 64 bytes, large blocks to a page, writable by its creator until it is shared.</summary>
public sealed unsafe class NativeObjectMemory : ObjectMemory
{
    private const int LargeBytes = 64 << 10;

    private readonly Manager manager;

    private NativeObjectMemory(byte* pointer, long length)
        : base(pointer, length) => manager = new Manager(this);

    public static NativeObjectMemory Allocate(long length) =>
        new((byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), length < LargeBytes ? 64u : (uint)Environment.SystemPageSize), length);

    public static NativeObjectMemory CopyOf(ReadOnlySpan<byte> content)
    {
        var memory = Allocate(content.Length);
        content.CopyTo(memory.WritableSpan);
        return memory;
    }

    /// <summary>The whole block for writing; only for blocks below 2 GiB.</summary>
    public Span<byte> WritableSpan => new(Pointer, checked((int)Length));

    /// <summary>The whole block as <see cref="Memory{T}"/>, for asynchronous reads into it and puts from it. The caller keeps a reference meanwhile.</summary>
    public Memory<byte> Memory => manager.Memory;

    protected override void Free() => NativeMemory.AlignedFree(Pointer);

    private sealed class Manager(NativeObjectMemory owner) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => owner.WritableSpan;

        public override MemoryHandle Pin(int elementIndex = 0) => new(Unsafe.Add<byte>(owner.Pointer, elementIndex));

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
