using System.Runtime.InteropServices;

namespace Puff.Engine.Text;

/// <summary>One of many growing lists; its numbers lie in slices of unmanaged memory, each longer than the one before up to a limit.</summary>
internal unsafe struct IntList
{
    public int* First;
    public int* Write;
    public int* Limit;
    public int SliceLength;
}

/// <summary>Where the slices of many growing lists come from. For one thread at a time.</summary>
internal sealed unsafe class IntLists : IDisposable
{
    public const int FirstSlice = 4;
    public const int LongestSlice = 512;

    /// <summary>Behind the numbers of a slice lies the address of the next one.</summary>
    private const int LinkInts = 2;

    private const int ChunkInts = 1 << 17;

    private readonly List<nint> chunks = [];
    private int* free;
    private int left;

    ~IntLists() => Free();

    /// <summary>Of all slices, and of the room for more.</summary>
    public long Bytes => chunks.Count * (long)ChunkInts * sizeof(int);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <returns>Where the number lies, for as long as this lives.</returns>
    public int* Append(ref IntList list, int value)
    {
        if (list.Write == list.Limit)
        {
            Grow(ref list);
        }

        *list.Write = value;
        return list.Write++;
    }

    private void Grow(ref IntList list)
    {
        int length = list.First == null ? FirstSlice : Math.Min(list.SliceLength * 2, LongestSlice);
        int* slice = Take(length + LinkInts);
        if (list.First == null)
        {
            list.First = slice;
        }
        else
        {
            *(int**)list.Limit = slice;
        }

        list.SliceLength = length;
        list.Write = slice;
        list.Limit = slice + length;
    }

    private int* Take(int count)
    {
        if (left < count)
        {
            free = (int*)NativeMemory.Alloc(ChunkInts, sizeof(int));
            chunks.Add((nint)free);
            left = ChunkInts;
        }

        int* taken = free;
        free += count;
        left -= count;
        return taken;
    }

    private void Free()
    {
        foreach (nint chunk in chunks)
        {
            NativeMemory.Free((void*)chunk);
        }

        chunks.Clear();
    }
}

/// <summary>Reads the numbers of a list in order; the caller knows how many there are.</summary>
internal unsafe ref struct IntListReader(IntList list)
{
    private int* at = list.First;
    private int* limit = list.First + IntLists.FirstSlice;
    private int length = IntLists.FirstSlice;

    public int Next()
    {
        if (at == limit)
        {
            length = Math.Min(length * 2, IntLists.LongestSlice);
            at = *(int**)limit;
            limit = at + length;
        }

        return *at++;
    }
}
