using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>
/// <see cref="ElementType.F16"/>, widened with integer operations because .NET 10 does not expose the processor's conversion: sign-extend to 32 bits,
/// shift the exponent and mantissa to their places in a single, and keep the sign and the 15 shifted bits. The exponent bias is then too small by 112,
/// which a multiplication by 2^112 repairs exactly, for subnormals too. Infinities and NaN would come out as finite numbers: ingest refuses them.
/// The factor is not folded into the query, as it could be for a dot product, because queries above 2^16 would overflow.
/// </summary>
internal readonly unsafe struct F16Element : IElement
{
    private const float BiasRepair = 5.192296858534828e33f; // 2^112
    private const int MantissaShift = 13;
    private const int SignAndShiftedBits = unchecked((int)0x8FFF_E000);

    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int index) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>((ushort*)row + index));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int index)
    {
        var bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>((ushort*)row + index)).AsInt16());
        return ((bits << MantissaShift) & Vector128.Create(SignAndShiftedBits)).AsSingle() * Vector128.Create(BiasRepair);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int index)
    {
        var packed = Vector128.Load((short*)row + index);
        var bits = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(packed)
            : Vector256.Create(Vector128.WidenLower(packed), Vector128.WidenUpper(packed));
        return ((bits << MantissaShift) & Vector256.Create(SignAndShiftedBits)).AsSingle() * Vector256.Create(BiasRepair);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int index)
    {
        var packed = Vector256.Load((short*)row + index);
        var bits = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(packed)
            : Vector512.Create(Vector256.WidenLower(packed), Vector256.WidenUpper(packed));
        return ((bits << MantissaShift) & Vector512.Create(SignAndShiftedBits)).AsSingle() * Vector512.Create(BiasRepair);
    }
}
