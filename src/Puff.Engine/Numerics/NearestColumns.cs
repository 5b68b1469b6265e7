using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// The column with the least ½|y|² - x·y of each row of a block. Every row has eight running minima, so that a whole panel is compared without a branch;
/// they meet only at the end.
/// </summary>
internal readonly unsafe ref struct NearestColumns : IDisposable
{
    private const int Lanes = 8;

    private readonly float* scores;
    private readonly int* columns;
    private readonly int rows;

    public NearestColumns(int rows)
    {
        this.rows = rows;
        scores = (float*)NativeMemory.AlignedAlloc((nuint)(Math.Max(rows, 1) * Lanes * (sizeof(float) + sizeof(int))), 64);
        columns = (int*)(scores + rows * Lanes);
    }

    public void Dispose() => NativeMemory.AlignedFree(scores);

    public void Clear()
    {
        new Span<float>(scores, rows * Lanes).Fill(float.PositiveInfinity);
        new Span<int>(columns, rows * Lanes).Clear();
    }

    /// <summary>Considers one panel's products with a row. Panels come in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Offer(int row, float* dots, float* halfNorms, int firstColumn)
    {
        var least = Vector256.Load(scores + row * Lanes);
        var where = Vector256.Load(columns + row * Lanes);
        var column = Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7) + Vector256.Create(firstColumn);
        for (int j = 0; j < PackedRows.PanelWidth; j += Lanes)
        {
            var score = Vector256.Load(halfNorms + j) - Vector256.Load(dots + j);
            var less = Vector256.LessThan(score, least);
            least = Vector256.ConditionalSelect(less, score, least);
            where = Vector256.ConditionalSelect(less.AsInt32(), column, where);
            column += Vector256.Create(Lanes);
        }

        least.Store(scores + row * Lanes);
        where.Store(columns + row * Lanes);
    }

    /// <summary>The nearest column, the smallest of equally near ones.</summary>
    public int Result(int row, out float score)
    {
        int best = row * Lanes;
        for (int i = best + 1; i < (row + 1) * Lanes; i++)
        {
            if (scores[i] < scores[best] || (scores[i] == scores[best] && columns[i] < columns[best]))
            {
                best = i;
            }
        }

        score = scores[best];
        return columns[best];
    }
}
