namespace Puff.Engine.Text;

/// <summary>A list of endings in numbered groups, to find the longest one a word has.</summary>
internal sealed class Endings
{
    private const int Buckets = 64;

    // By the last character, longest first: the first hit is the longest.
    private readonly (string Ending, int Group)[][] byLast = new (string, int)[Buckets][];

    /// <param name="groups">Endings with blanks between; the first group is number 1.</param>
    public Endings(params ReadOnlySpan<string> groups)
    {
        var all = new List<(string Ending, int Group)>();
        for (int i = 0; i < groups.Length; i++)
        {
            int group = i + 1;
            all.AddRange(groups[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(ending => (ending, group)));
        }

        for (int i = 0; i < Buckets; i++)
        {
            byLast[i] = [.. all.Where(one => one.Ending[^1] % Buckets == i).OrderByDescending(one => one.Ending.Length)];
        }
    }

    /// <returns>The group of the longest ending, 0 if there is none.</returns>
    public int Longest(ReadOnlySpan<char> text, out int length)
    {
        if (!text.IsEmpty)
        {
            foreach (var (ending, group) in byLast[text[^1] % Buckets])
            {
                if (text.EndsWith(ending))
                {
                    length = ending.Length;
                    return group;
                }
            }
        }

        length = 0;
        return 0;
    }
}
