using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Engine.Tests.Numerics;

/// <summary>Stored vectors in unmanaged memory of exactly their size, from any alignment on, with the numbers that they hold.</summary>
internal sealed unsafe class StoredRows : IDisposable
{
    private readonly byte* block;

    public StoredRows(ElementType type, int dimensions, float[][] rows, int misalignment = 0)
    {
        RowBytes = dimensions * type.Bytes();
        block = (byte*)NativeMemory.AlignedAlloc((nuint)(RowBytes * rows.Length + misalignment), 64);
        Pointer = block + misalignment;
        for (int i = 0; i < rows.Length; i++)
        {
            Write(type, rows[i], new Span<byte>(Pointer + (long)i * RowBytes, RowBytes));
        }
    }

    public byte* Pointer { get; }

    public int RowBytes { get; }

    public void Dispose() => NativeMemory.AlignedFree(block);

    /// <summary>Random numbers that the type can hold: whole ones for i8, others around zero.</summary>
    public static float[] RandomVector(Random random, ElementType type, int dimensions)
    {
        var vector = new float[dimensions];
        for (int i = 0; i < dimensions; i++)
        {
            vector[i] = type == ElementType.I8 ? random.Next(-128, 128) : (float)(random.NextDouble() * 2 - 1);
        }

        return vector;
    }

    private static void Write(ElementType type, float[] values, Span<byte> row)
    {
        for (int i = 0; i < values.Length; i++)
        {
            switch (type)
            {
                case ElementType.F32:
                    MemoryMarshal.Write(row[(4 * i)..], values[i]);
                    break;
                case ElementType.F16:
                    MemoryMarshal.Write(row[(2 * i)..], (Half)values[i]);
                    break;
                default:
                    row[i] = unchecked((byte)(sbyte)values[i]);
                    break;
            }
        }
    }
}
