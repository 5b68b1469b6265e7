using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary><see cref="ElementType.F32"/>: loaded as it is.</summary>
internal readonly unsafe struct F32Element : IElement
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int index) => Unsafe.ReadUnaligned<float>((float*)row + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int index) => Vector128.Load((float*)row + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int index) => Vector256.Load((float*)row + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int index) => Vector512.Load((float*)row + index);
}
