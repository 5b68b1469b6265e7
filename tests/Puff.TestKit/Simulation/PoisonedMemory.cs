using Puff.Engine.Storage;

namespace Puff.TestKit.Simulation;

/// <summary>
/// A copy of an object in memory that the runtime frees, so that nodes which die with references leak nothing. The last release overwrites it: whoever still reads
/// finds damage.
/// </summary>
internal sealed unsafe class PoisonedMemory : ObjectMemory
{
    private readonly byte[] pinned;

    private PoisonedMemory(byte[] pinned, int length)
        : base((byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(pinned)) + Skip(pinned), length) =>
        this.pinned = pinned;

    public static PoisonedMemory CopyOf(ReadOnlySpan<byte> content)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(content.Length + 64, pinned: true);
        var memory = new PoisonedMemory(pinned, content.Length);
        content.CopyTo(new Span<byte>(memory.Pointer, content.Length));
        return memory;
    }

    protected override void Free() => Array.Fill(pinned, (byte)0xDB);

    /// <summary>Bytes to the next multiple of 64.</summary>
    private static int Skip(byte[] pinned)
    {
        ref byte first = ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(pinned);
        return (int)(-(long)System.Runtime.CompilerServices.Unsafe.AsPointer(ref first) & 63);
    }
}
