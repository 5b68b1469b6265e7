using System.Runtime.InteropServices;

namespace Puff.Engine.Numerics;

/// <summary>
/// Rows laid out for <see cref="Gemm"/>: panels of <see cref="PanelWidth"/> rows, in a panel element k of all its rows side by side, so that one load
/// brings the same element of many rows. Rows missing from the last panel are zeros. Never changed after packing: any number of threads may read.
/// </summary>
internal sealed unsafe class PackedRows : IDisposable
{
    /// <summary>Two cache lines of singles: an element of a panel never shares a line with another.</summary>
    public const int PanelWidth = 32;

    private readonly float* panels;
    private bool disposed;

    private PackedRows(int count, int dimensions)
    {
        Count = count;
        Dimensions = dimensions;
        panels = (float*)NativeMemory.AlignedAlloc(((nuint)dimensions + 1) * (nuint)PaddedCount * sizeof(float), 64);
        HalfSquaredNorms = panels + (nuint)dimensions * (nuint)PaddedCount;
    }

    ~PackedRows() => Free();

    public int Count { get; }

    public int Dimensions { get; }

    /// <summary>Rows including those that fill the last panel; the least stride of a matrix of results.</summary>
    public int PaddedCount => (Count + PanelWidth - 1) / PanelWidth * PanelWidth;

    public long Bytes => ((long)Dimensions + 1) * PaddedCount * sizeof(float);

    /// <summary>½|y|² of each row; infinity for those that only fill the last panel, so that they are never the nearest.</summary>
    internal float* HalfSquaredNorms { get; }

    /// <summary>Copies rows into panels.</summary>
    /// <param name="rows">The first element of the first row.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="dimensions">Elements in a row, at least 1.</param>
    /// <param name="strideFloats">Elements from the start of one row to the start of the next.</param>
    public static PackedRows Pack(float* rows, int count, int dimensions, long strideFloats)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        var packed = new PackedRows(count, dimensions);
        for (int first = 0; first < count; first += PanelWidth)
        {
            FillPanel(rows + first * strideFloats, Math.Min(PanelWidth, count - first), dimensions, strideFloats, packed.Panel(first / PanelWidth));
        }

        for (int j = 0; j < packed.PaddedCount; j++)
        {
            float* row = rows + j * strideFloats;
            packed.HalfSquaredNorms[j] = j < count ? 0.5f * DotProduct.Compute<F32Element>((byte*)row, row, dimensions) : float.PositiveInfinity;
        }

        return packed;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Panel <paramref name="index"/>: element k of its rows at k × <see cref="PanelWidth"/>.</summary>
    internal float* Panel(int index) => panels + (long)index * PanelWidth * Dimensions;

    private static void FillPanel(float* rows, int count, int dimensions, long stride, float* panel)
    {
        for (int k = 0; k < dimensions; k++)
        {
            float* element = panel + (long)k * PanelWidth;
            for (int j = 0; j < count; j++)
            {
                element[j] = rows[j * stride + k];
            }

            for (int j = count; j < PanelWidth; j++)
            {
                element[j] = 0;
            }
        }
    }

    private void Free()
    {
        if (!disposed)
        {
            disposed = true;
            NativeMemory.AlignedFree(panels);
        }
    }
}
