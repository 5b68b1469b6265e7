using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Puff.Engine.Storage;

namespace Puff.TestKit.Simulation;

/// <summary>
/// A copy of an object in memory that the runtime frees, so that nodes which die with references leak nothing. The last release overwrites it: whoever
/// still reads
/// finds damage.
/// </summary>
internal sealed unsafe class PoisonedMemory : ObjectMemory
{
    private readonly byte[] pinned;

    private PoisonedMemory(byte[] pinned, int length)
        : base(AlignedStart(pinned), length) => this.pinned = pinned;

    public static PoisonedMemory CopyOf(ReadOnlySpan<byte> content)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(content.Length + 64, pinned: true);
        var memory = new PoisonedMemory(pinned, content.Length);
        content.CopyTo(new Span<byte>(memory.Pointer, content.Length));
        return memory;
    }

    protected override void Free() => Array.Fill(pinned, (byte)0xDB);

    /// <summary>The first byte at a multiple of 64, as stores promise it.</summary>
    private static byte* AlignedStart(byte[] pinned)
    {
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
        return start + (-(long)start & 63);
    }
}
