using System.Runtime.InteropServices;
using Puff.Server.Limits;

namespace Puff.Server.Http;

/// <summary>
/// One request's body in contiguous native memory: the managed heap never sees it. Grows by doubling up to a limit. Not thread-safe; the holder disposes
/// it when the last span is used up.
/// </summary>
internal sealed unsafe class RequestBody : IDisposable
{
    private const int FirstCapacity = 16 << 10;

    private readonly BodyBudget budget;
    private readonly int limit;
    private byte* memory;
    private int capacity;
    private int length;

    /// <param name="expected">Bytes that are likely to come; only a hint, because a header may promise what is never sent.</param>
    /// <param name="limit">More bytes than this are refused with 413.</param>
    public RequestBody(BodyBudget budget, int expected, int limit)
    {
        this.budget = budget;
        this.limit = limit;
        Grow(Math.Clamp(expected, FirstCapacity, 1 << 20));
    }

    ~RequestBody() => Release();

    public ReadOnlySpan<byte> Written => new(memory, length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limit - length)
        {
            throw TooLarge(limit);
        }

        while (capacity - length < bytes.Length)
        {
            Grow((int)Math.Min((long)capacity * 2, Math.Max(limit, FirstCapacity)));
        }

        bytes.CopyTo(new Span<byte>(memory + length, bytes.Length));
        length += bytes.Length;
    }

    public static RefusedRequestException TooLarge(int limit) => new(413, $"the request body is larger than {limit} bytes; send it in several requests");

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Grow(int target)
    {
        budget.Take(target - capacity);
        try
        {
            // Large blocks move by remapping, not by copying.
            memory = (byte*)NativeMemory.Realloc(memory, (nuint)target);
        }
        catch (OutOfMemoryException)
        {
            budget.Return(target - capacity);
            throw;
        }

        capacity = target;
    }

    private void Release()
    {
        if (memory != null)
        {
            NativeMemory.Free(memory);
            memory = null;
            length = 0;
            budget.Return(capacity);
            capacity = 0;
        }
    }
}
