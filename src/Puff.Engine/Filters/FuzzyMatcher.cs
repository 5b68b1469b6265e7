using System.Buffers;

namespace Puff.Engine.Filters;

/// <summary>
/// Some substring of the string lies within a Levenshtein distance of the query, counted in code points. Column by column of the distance matrix
/// with a free start in the text (P. H. Sellers, "The theory and computation of evolutionary distances", 1980), kept to the rows that can still
/// get below the bound (E. Ukkonen, "Finding approximate patterns in strings", 1985): about text × distance steps on ordinary text.
/// </summary>
internal sealed class FuzzyMatcher : PatternMatcher
{
    private const int MaxStackRows = 256;

    private readonly int[] query;
    private readonly int maxDistance;
    private readonly bool caseSensitive;
    private readonly byte[]? exact;

    public FuzzyMatcher(byte[] query, int maxDistance, bool caseSensitive)
    {
        this.query = CodePointFolding.Decode(query, fold: !caseSensitive);
        this.maxDistance = maxDistance;
        this.caseSensitive = caseSensitive;
        exact = maxDistance == 0 && caseSensitive ? query : null;
        Pieces = TextPieces.TryCreate(GlobLiterals.OfParts(this.query, maxDistance + 1, !caseSensitive));
    }

    protected override bool Matches(ReadOnlySpan<byte> value)
    {
        if (exact is not null)
        {
            return value.IndexOf(exact) >= 0;
        }

        int rows = query.Length + 1;
        int[]? rented = rows > MaxStackRows ? ArrayPool<int>.Shared.Rent(rows) : null;
        Span<int> distances = rented ?? stackalloc int[MaxStackRows];
        try
        {
            return Search(value, distances[..rows]);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<int>.Shared.Return(rented);
            }
        }
    }

    /// <param name="value">UTF-8 text.</param>
    /// <param name="distances">Row i: the least distance between the first i characters of the query and a substring that ends at the place reached.</param>
    private bool Search(ReadOnlySpan<byte> value, Span<int> distances)
    {
        for (int i = 0; i < distances.Length; i++)
        {
            distances[i] = i;
        }

        // The last row within the bound; all rows below it in the matrix are beyond.
        int last = Math.Min(maxDistance, query.Length);
        while (last < query.Length && !value.IsEmpty)
        {
            int character = CodePointFolding.Next(ref value);
            last = Advance(distances, last, caseSensitive ? character : CodePointFolding.Fold(character));
        }

        return last == query.Length;
    }

    private int Advance(Span<int> distances, int last, int character)
    {
        int beyond = maxDistance + 1;
        int diagonal = 0;
        int end = Math.Min(last + 1, query.Length);
        for (int i = 1; i <= end; i++)
        {
            int left = i <= last ? distances[i] : beyond;
            int distance = query[i - 1] == character ? diagonal : 1 + Math.Min(diagonal, Math.Min(left, distances[i - 1]));
            diagonal = left;
            distances[i] = distance;
        }

        while (distances[end] > maxDistance)
        {
            end--;
        }

        return end;
    }
}
