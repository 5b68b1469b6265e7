using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Random vectors around one centroid with both kinds of codes, repeated to fill as much memory as is asked for.</summary>
internal sealed unsafe class CodedRows : IDisposable
{
    private const int Distinct = 1024;

    public CodedRows(int dimensions, int count)
    {
        Rotation = new RandomRotation(dimensions, 1);
        Padded = Rotation.PaddedDimensions;
        Count = count;
        Vectors = (float*)NativeMemory.AlignedAlloc((nuint)((Distinct + 2) * Padded * sizeof(float)), 64);
        var random = new Random(1);
        for (int i = 0; i < (Distinct + 2) * Padded; i++)
        {
            Vectors[i] = (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() + random.NextDouble() - 2);
        }

        Blocks = (byte*)NativeMemory.AlignedAlloc((nuint)BlockBytes, 2 << 20);
        Rows = (byte*)NativeMemory.AlignedAlloc((nuint)RowBytes, 2 << 20);
        for (int i = 0; i < count; i++)
        {
            EncodeBinary(i);
            EncodeOctal(i);
        }

        Query = new CodeQuery(Padded);
        Query.Prepare(Vectors + (Distinct + 1) * Padded);
    }

    public RandomRotation Rotation { get; }

    public int Padded { get; }

    public int Count { get; }

    public float* Vectors { get; }

    public float* Centroid => Vectors + Distinct * Padded;

    public byte* Blocks { get; }

    public byte* Rows { get; }

    public CodeQuery Query { get; }

    public long BlockBytes => (long)Count / BinaryCodes.BlockVectors * BinaryCodes.BlockBytes(Padded);

    public long RowBytes => (long)Count * OctalCodes.RowBytes(Padded);

    public void EncodeBinary(int index) =>
        BinaryCodes.Encode(Vector(index), Centroid, Padded, Block(index / BinaryCodes.BlockVectors), index % BinaryCodes.BlockVectors);

    public void EncodeOctal(int index) => OctalCodes.Encode(Vector(index), Centroid, Padded, Row(index));

    public float* Vector(int index) => Vectors + index % Distinct * Padded;

    public byte* Block(int index) => Blocks + (long)index * BinaryCodes.BlockBytes(Padded);

    public byte* Row(int index) => Rows + (long)index * OctalCodes.RowBytes(Padded);

    public void Dispose()
    {
        Query.Dispose();
        NativeMemory.AlignedFree(Vectors);
        NativeMemory.AlignedFree(Blocks);
        NativeMemory.AlignedFree(Rows);
    }
}
