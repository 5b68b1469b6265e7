using System.Globalization;
using System.Text;

namespace Puff.Sync.Migrations;

/// <summary>
/// The lines in which two texts differ: common beginnings and ends are left out, what lies between is shown whole or by the longest common
/// lines.
/// </summary>
internal static class TextDifference
{
    // Above this the table of common lines costs more than it tells.
    private const int MaxCells = 1_000_000;

    public static void Append(StringBuilder text, string name, string[] before, string[] after)
    {
        int head = 0;
        while (head < Math.Min(before.Length, after.Length) && before[head] == after[head])
        {
            head++;
        }

        int tail = 0;
        while (tail < Math.Min(before.Length, after.Length) - head && before[^(tail + 1)] == after[^(tail + 1)])
        {
            tail++;
        }

        if (head == before.Length && head == after.Length)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"--- {name} (applied)\n+++ {name} (on disk)\n@@ line {head + 1} @@\n");
        AppendMiddle(text, before[head..^tail], after[head..^tail]);
    }

    private static void AppendMiddle(StringBuilder text, string[] before, string[] after)
    {
        int[,]? common = (long)before.Length * after.Length <= MaxCells ? CommonLines(before, after) : null;
        int left = 0, right = 0;
        while (left < before.Length || right < after.Length)
        {
            bool isSame = common != null && left < before.Length && right < after.Length && before[left] == after[right];
            if (isSame)
            {
                text.Append(' ').Append(before[left++]).Append('\n');
                right++;
            }
            else if (left < before.Length && (right == after.Length || common is null || common[left + 1, right] >= common[left, right + 1]))
            {
                text.Append('-').Append(before[left++]).Append('\n');
            }
            else
            {
                text.Append('+').Append(after[right++]).Append('\n');
            }
        }
    }

    /// <summary>Lengths of the longest common subsequences of what is left from each pair of lines on.</summary>
    private static int[,] CommonLines(string[] before, string[] after)
    {
        int[,] common = new int[before.Length + 1, after.Length + 1];
        for (int left = before.Length - 1; left >= 0; left--)
        {
            for (int right = after.Length - 1; right >= 0; right--)
            {
                common[left, right] = before[left] == after[right] ? common[left + 1, right + 1] + 1
                    : Math.Max(common[left + 1, right], common[left, right + 1]);
            }
        }

        return common;
    }
}
