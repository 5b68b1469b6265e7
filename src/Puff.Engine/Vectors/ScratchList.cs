using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Vectors;

/// <summary>
/// A list in unmanaged memory that keeps its room when it is cleared, so that a search that reuses it allocates nothing. Not for several threads at once.
/// </summary>
internal sealed unsafe class ScratchList<T> : IDisposable
    where T : unmanaged
{
    private const int Alignment = 64;

    private T* items;
    private int capacity;

    ~ScratchList() => NativeMemory.AlignedFree(items);

    public int Count { get; private set; }

    public T* Items => items;

    public long Bytes => capacity * (long)sizeof(T);

    public Span<T> Span => new(items, Count);

    public void Clear() => Count = 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in T item)
    {
        if (Count == capacity)
        {
            Grow(Count + 1);
        }

        items[Count++] = item;
    }

    /// <summary>Makes the list so long; what is new holds anything.</summary>
    public void SetCount(int count)
    {
        if (count > capacity)
        {
            Grow(count);
        }

        Count = count;
    }

    /// <summary>Makes the list at least so long; what is new is zero.</summary>
    public void Extend(int count)
    {
        if (count > Count)
        {
            int old = Count;
            SetCount(count);
            new Span<T>(items + old, count - old).Clear();
        }
    }

    /// <summary>Only the first so many stay.</summary>
    public void Truncate(int count) => Count = Math.Min(Count, count);

    public void Dispose()
    {
        NativeMemory.AlignedFree(items);
        items = null;
        capacity = 0;
        Count = 0;
        GC.SuppressFinalize(this);
    }

    private void Grow(int atLeast)
    {
        int larger = Math.Max(Math.Max(atLeast, 64), (int)Math.Min(capacity * 2L, Array.MaxLength));
        items = (T*)NativeMemory.AlignedRealloc(items, checked((nuint)larger * (nuint)sizeof(T)), Alignment);
        capacity = larger;
    }
}
