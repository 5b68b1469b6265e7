namespace Puff.Engine.Numerics;

/// <summary>How the elements of a stored dense vector are encoded; little endian, without padding between them.</summary>
internal enum ElementType : byte
{
    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>IEEE 754 half precision. Finite values only: ingest refuses infinities and NaN, and the kernels rely on it.</summary>
    F16,

    /// <summary>Signed integers of eight bits.</summary>
    I8,
}

internal static class ElementTypes
{
    /// <summary>Bytes an element occupies.</summary>
    public static int Bytes(this ElementType type) => type switch
    {
        ElementType.F32 => sizeof(float),
        ElementType.F16 => sizeof(ushort),
        ElementType.I8 => sizeof(sbyte),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an element type"),
    };
}
