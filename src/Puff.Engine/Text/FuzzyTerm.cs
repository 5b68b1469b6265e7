using System.Text;

namespace Puff.Engine.Text;

/// <summary>A term of an index that is nearly one of a query.</summary>
/// <param name="Bytes">As the index has it.</param>
/// <param name="Distance">Edits, at least 1.</param>
/// <param name="Documents">Documents with it, in one set.</param>
internal readonly record struct FuzzyMatch(byte[] Bytes, int Distance, int Documents);

/// <summary>
/// Compares terms with one of a query by Levenshtein's distance in characters. Keeps the table's rows of the term before: of sorted terms only what is new is
/// computed, and where a beginning has too many edits already, all terms with it are passed over.
/// </summary>
internal sealed class FuzzyTerm
{
    private readonly int[] query;
    private readonly int distance;
    private readonly int[][] rows;
    private readonly int[] offsets;
    private byte[] before = [];
    private int beforeLength;
    private int depth;
    private int dead = int.MaxValue;

    /// <param name="term">Of the query.</param>
    /// <param name="distance">Most edits.</param>
    public FuzzyTerm(ReadOnlySpan<byte> term, int distance)
    {
        this.distance = distance;
        query = [.. CharactersOf(term)];
        rows = [.. Enumerable.Range(0, query.Length + distance + 1).Select(_ => new int[query.Length + 1])];
        offsets = new int[rows.Length];
        for (int i = 0; i <= query.Length; i++)
        {
            rows[0][i] = i;
        }
    }

    /// <summary>Edits from the query's term; -1 when there are too many.</summary>
    public int DistanceTo(ReadOnlySpan<byte> term)
    {
        int common = before.AsSpan(0, beforeLength).CommonPrefixLength(term);
        int kept = 0;
        while (kept < depth && offsets[kept + 1] <= common)
        {
            kept++;
        }

        Remember(term);
        depth = kept;
        if (kept >= dead)
        {
            return -1;
        }

        dead = int.MaxValue;
        for (int at = offsets[kept]; at < term.Length; at = offsets[depth])
        {
            if (depth == rows.Length - 1)
            {
                return -1;
            }

            Rune.DecodeFromUtf8(term[at..], out var character, out int length);
            int fewest = FillRow(rows[depth], rows[depth + 1], character.Value);
            offsets[++depth] = at + length;
            if (fewest > distance)
            {
                dead = depth;
                return -1;
            }
        }

        int edits = rows[depth][query.Length];
        return edits <= distance ? edits : -1;
    }

    /// <summary>How many edits a token of so many characters may have: short ones mean too much with one.</summary>
    public static int DistanceFor(ReadOnlySpan<byte> term, int largest) => CharactersOf(term).Count switch
    {
        < 3 => 0,
        < 6 => Math.Min(1, largest),
        _ => largest,
    };

    public static List<int> CharactersOf(ReadOnlySpan<byte> term)
    {
        var characters = new List<int>();
        while (term.Length > 0)
        {
            Rune.DecodeFromUtf8(term, out var character, out int length);
            characters.Add(character.Value);
            term = term[length..];
        }

        return characters;
    }

    private int FillRow(int[] above, int[] row, int character)
    {
        row[0] = above[0] + 1;
        int fewest = row[0];
        for (int i = 0; i < query.Length; i++)
        {
            int edits = Math.Min(Math.Min(above[i + 1], row[i]) + 1, above[i] + (query[i] == character ? 0 : 1));
            row[i + 1] = edits;
            fewest = Math.Min(fewest, edits);
        }

        return fewest;
    }

    private void Remember(ReadOnlySpan<byte> term)
    {
        if (before.Length < term.Length)
        {
            before = new byte[term.Length * 2];
        }

        term.CopyTo(before);
        beforeLength = term.Length;
    }
}
