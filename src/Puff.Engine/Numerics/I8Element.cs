using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary><see cref="ElementType.I8"/>: sign-extended, then converted; every value is exact in a single.</summary>
internal readonly unsafe struct I8Element : IElement
{
    public static int Bytes => sizeof(sbyte);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int index) => ((sbyte*)row)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int index)
    {
        var packed = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(row + index)).AsSByte();
        return Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(packed)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int index)
    {
        var packed = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(row + index)).AsSByte();
        if (Avx2.IsSupported)
        {
            return Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(packed));
        }

        var words = Vector128.WidenLower(packed);
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int index)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)row + index)));
        }

        return Vector512.Create(Load256(row, index), Load256(row, index + Vector256<float>.Count));
    }
}
