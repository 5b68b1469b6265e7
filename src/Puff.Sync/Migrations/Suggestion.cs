namespace Puff.Sync.Migrations;

/// <summary>The known name that somebody most likely meant.</summary>
internal static class Suggestion
{
    /// <summary>The nearest known name, when it is near enough to be a slip of the hand: at most a third of the letters, at least one. Else null.</summary>
    public static string? For(string word, IEnumerable<string> known)
    {
        string? nearest = null;
        int least = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = Distance(word, candidate);
            if (distance < least)
            {
                (nearest, least) = (candidate, distance);
            }
        }

        return least <= Math.Max(1, word.Length / 3) ? nearest : null;
    }

    /// <summary>", did you mean `x`?", or the list of what is known.</summary>
    public static string Phrase(string word, IReadOnlyCollection<string> known) =>
        For(word, known) is { } nearest ? $", did you mean `{nearest}`?" : known.Count is > 0 and <= 24 ? $"; known are {string.Join(", ", known)}" : "";

    /// <summary>Edits of one letter and swaps of neighbours (optimal string alignment).</summary>
    private static int Distance(string left, string right)
    {
        if (left.Length > 128 || right.Length > 128)
        {
            return int.MaxValue;
        }

        int[,] table = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }

                int change = left[i - 1] == right[j - 1] ? 0 : 1;
                int best = Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + change);
                bool isSwap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                table[i, j] = isSwap ? Math.Min(best, table[i - 2, j - 2] + 1) : best;
            }
        }

        return table[left.Length, right.Length];
    }
}
