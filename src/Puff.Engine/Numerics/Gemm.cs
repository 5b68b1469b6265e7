using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Numerics;

/// <summary>
/// Products of many rows with many others, and the nearest of them: k-means, assignment and batched exact search. Rows are taken in blocks that stay in the
/// second-level cache while the panels of the other side pass by. Stateless: any number of threads may call. Deterministic on one machine: a row's
/// result depends neither on the rows beside it nor on how the rows are divided among calls.
/// </summary>
internal static unsafe class Gemm
{
    private const int PanelWidth = PackedRows.PanelWidth;

    /// <summary>Bytes of rows that are kept in cache while a panel is multiplied with them.</summary>
    private const int BlockBytes = 256 << 10;

    /// <summary>A multiple of every tile's rows; the least number of rows that pays for bringing a panel into cache.</summary>
    private const int RowStep = 24;

    /// <summary>Computes result[i × resultStride + j] = x_i · y_j.</summary>
    /// <param name="x">The first row; as many elements as <paramref name="y"/> has dimensions.</param>
    /// <param name="stride">Elements from the start of one row to the start of the next.</param>
    /// <param name="resultStride">At least <see cref="PackedRows.PaddedCount"/>: columns beyond the count are written, too, as zeros.</param>
    public static void Dots(float* x, int rows, long stride, PackedRows y, float* result, int resultStride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(resultStride, y.PaddedCount);
        int blockRows = BlockRows(y.Dimensions);
        for (int start = 0; start < rows; start += blockRows)
        {
            int end = Math.Min(rows, start + blockRows);
            for (int column = 0; column < y.Count; column += PanelWidth)
            {
                float* panel = y.Panel(column / PanelWidth);
                for (int i = start; i < end; i += GemmTile.Rows)
                {
                    float* tile = result + i * (long)resultStride + column;
                    GemmTile.Compute(x + i * stride, stride, Math.Min(GemmTile.Rows, end - i), panel, y.Dimensions, tile, resultStride);
                }
            }
        }

        GC.KeepAlive(y);
    }

    /// <summary>
    /// Finds for each row the j with the least |x_i - y_j|², of equal ones the smallest j. Distances that are not numbers count as infinite.
    /// </summary>
    /// <param name="squaredDistance">
    /// Receives |x_i - y_j|² of the nearest, never negative, computed as |x|² + |y|² - 2 x·y: good to about 1e-6 of the squared norms. May be null.
    /// </param>
    public static void Nearest(float* x, int rows, long stride, PackedRows y, int* nearest, float* squaredDistance)
    {
        int blockRows = BlockRows(y.Dimensions);
        using var best = new NearestColumns(Math.Min(rows, blockRows));
        float* tile = stackalloc float[GemmTile.Rows512 * PanelWidth];
        for (int start = 0; start < rows; start += blockRows)
        {
            int count = Math.Min(blockRows, rows - start);
            best.Clear();
            for (int column = 0; column < y.Count; column += PanelWidth)
            {
                float* panel = y.Panel(column / PanelWidth);
                for (int i = 0; i < count; i += GemmTile.Rows)
                {
                    int tileRows = Math.Min(GemmTile.Rows, count - i);
                    GemmTile.Compute(x + (start + i) * stride, stride, tileRows, panel, y.Dimensions, tile, PanelWidth);
                    for (int r = 0; r < tileRows; r++)
                    {
                        best.Offer(i + r, tile + r * PanelWidth, y.HalfSquaredNorms + column, column);
                    }
                }
            }

            for (int i = 0; i < count; i++)
            {
                nearest[start + i] = best.Result(i, out float score);
                if (squaredDistance != null)
                {
                    squaredDistance[start + i] = SquaredDistance(x + (start + i) * stride, y.Dimensions, score);
                }
            }
        }

        GC.KeepAlive(y);
    }

    /// <summary>
    /// Finds for each row the <paramref name="count"/> nearest y_j, by ascending distance and, where that is equal, ascending j. Meant for small counts:
    /// the work grows with rows × count × y.Count in the worst case.
    /// </summary>
    /// <param name="count">1 to y.Count.</param>
    /// <param name="nearest">Receives <paramref name="count"/> numbers for each row.</param>
    public static void NearestMany(float* x, int rows, long stride, PackedRows y, int count, int* nearest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, y.Count);
        int blockRows = BlockRows(y.Dimensions);
        float* tile = stackalloc float[GemmTile.Rows512 * PanelWidth];
        float* scores = (float*)NativeMemory.Alloc((nuint)Math.Min(rows, blockRows) * (nuint)count, sizeof(float));
        try
        {
            for (int start = 0; start < rows; start += blockRows)
            {
                int blockCount = Math.Min(blockRows, rows - start);
                int* blockNearest = nearest + (long)start * count;
                StartLists(blockNearest, scores, blockCount, count);
                for (int column = 0; column < y.Count; column += PanelWidth)
                {
                    float* panel = y.Panel(column / PanelWidth);
                    int columns = Math.Min(PanelWidth, y.Count - column);
                    for (int i = 0; i < blockCount; i += GemmTile.Rows)
                    {
                        int tileRows = Math.Min(GemmTile.Rows, blockCount - i);
                        GemmTile.Compute(x + (start + i) * stride, stride, tileRows, panel, y.Dimensions, tile, PanelWidth);
                        for (int r = 0; r < tileRows; r++)
                        {
                            long list = (long)(i + r) * count;
                            Insert(tile + r * PanelWidth, y.HalfSquaredNorms + column, column, columns, blockNearest + list, scores + list, count);
                        }
                    }
                }
            }
        }
        finally
        {
            NativeMemory.Free(scores);
        }

        GC.KeepAlive(y);
    }

    private static int BlockRows(int dimensions) => Math.Max(1, BlockBytes / (dimensions * sizeof(float) * RowStep)) * RowStep;

    private static float SquaredDistance(float* row, int dimensions, float score) =>
        Math.Max(0, DotProduct.Compute<F32Element>((byte*)row, row, dimensions) + 2 * score);

    /// <summary>Numbers that a distance which is not a number leaves in place: every entry of a list is a row, and none twice.</summary>
    private static void StartLists(int* nearest, float* scores, int rows, int count)
    {
        for (long i = 0; i < (long)rows * count; i++)
        {
            scores[i] = float.PositiveInfinity;
            nearest[i] = -1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Insert(float* dots, float* halfNorms, int firstColumn, int columns, int* nearest, float* scores, int count)
    {
        float worst = scores[count - 1];
        bool full = nearest[count - 1] >= 0;
        for (int j = 0; j < columns; j++)
        {
            float score = halfNorms[j] - dots[j];
            score = float.IsNaN(score) ? float.PositiveInfinity : score;
            if (full && !(score < worst))
            {
                continue;
            }

            int hole = count - 1;
            for (; hole > 0 && (nearest[hole - 1] < 0 || scores[hole - 1] > score); hole--)
            {
                scores[hole] = scores[hole - 1];
                nearest[hole] = nearest[hole - 1];
            }

            scores[hole] = score;
            nearest[hole] = firstColumn + j;
            worst = scores[count - 1];
            full = nearest[count - 1] >= 0;
        }
    }
}
