using Puff.Engine.Formats;

namespace Puff.Engine.Filters;

/// <summary>
/// What a text that passes a test must contain: all literals of some alternative. The test itself is for the caller to apply to what is found. Literals are
/// UTF-8; letters of ASCII are compared in either case.
/// </summary>
internal sealed class TextPieces
{
    /// <summary>Pieces looked up for one alternative; more narrow it down no further.</summary>
    private const int MaxPieces = 12;

    private readonly int[][] alternatives;

    private TextPieces(int[][] alternatives) => this.alternatives = alternatives;

    /// <summary>Null when some alternative has no literal of three bytes, so that any text may pass.</summary>
    public static TextPieces? TryCreate(IEnumerable<IReadOnlyList<byte[]>> alternatives)
    {
        var buckets = new List<int[]>();
        foreach (var literals in alternatives)
        {
            var pieces = new SortedSet<int>();
            foreach (byte[] literal in literals)
            {
                for (int at = 0; at + Grams.Length <= literal.Length; at++)
                {
                    pieces.Add(Grams.BucketAt(literal, at));
                }
            }

            if (pieces.Count == 0)
            {
                return null;
            }

            buckets.Add([.. pieces]);
        }

        return new TextPieces([.. buckets]);
    }

    /// <summary>The ordinals of the values that may pass, ascending; null when there are too many to be worth it.</summary>
    /// <param name="grams">The index.</param>
    /// <param name="maxBytes">Postings of the rarest piece.</param>
    public List<int>? FindCandidates(GramIndex grams, long maxBytes, CancellationToken cancellation)
    {
        List<int>? all = null;
        foreach (int[] pieces in alternatives)
        {
            cancellation.ThrowIfCancellationRequested();
            var ordered = pieces.Select(p => (Bytes: grams.BytesOf(p), Piece: p)).OrderBy(p => p.Bytes).Take(MaxPieces).ToArray();
            if (ordered[0].Bytes > maxBytes)
            {
                return null;
            }

            var found = new List<int>();
            grams.Read(ordered[0].Piece, found);
            foreach (var (bytes, piece) in ordered.AsSpan(1))
            {
                // Checking a value costs about as much as reading a hundred bytes of postings.
                if (bytes > found.Count * 100L)
                {
                    break;
                }

                grams.Intersect(piece, found);
            }

            all = all is null ? found : Union(all, found);
        }

        return all;
    }

    private static List<int> Union(List<int> left, List<int> right)
    {
        left.AddRange(right);
        left.Sort();
        int kept = 0;
        for (int i = 0; i < left.Count; i++)
        {
            if (i == 0 || left[i] != left[kept - 1])
            {
                left[kept++] = left[i];
            }
        }

        left.RemoveRange(kept, left.Count - kept);
        return left;
    }
}
