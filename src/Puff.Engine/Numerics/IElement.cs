using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// How consecutive elements of a stored row become single-precision lanes. Kernels are generic over it, so each is written once and compiled
/// once per element type, with the conversion inlined. Rows may begin at any address.
/// </summary>
internal unsafe interface IElement
{
    /// <summary>Bytes an element occupies.</summary>
    static abstract int Bytes { get; }

    /// <summary>Element <paramref name="index"/>.</summary>
    static abstract float Load(byte* row, int index);

    /// <summary>Four elements from <paramref name="index"/> on.</summary>
    static abstract Vector128<float> Load128(byte* row, int index);

    /// <summary>Eight elements from <paramref name="index"/> on.</summary>
    static abstract Vector256<float> Load256(byte* row, int index);

    /// <summary>Sixteen elements from <paramref name="index"/> on.</summary>
    static abstract Vector512<float> Load512(byte* row, int index);
}
