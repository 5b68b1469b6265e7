using System.Collections.Concurrent;

namespace Puff.Engine.Text;

/// <summary>The stop words of a language, to ask for by a token's bytes.</summary>
internal sealed class StopWords
{
    private static readonly ConcurrentDictionary<string, StopWords> Known = new(StringComparer.Ordinal);

    private readonly byte[]?[] slots;
    private readonly int longest;

    private StopWords(string words)
    {
        var all = words.Split(' ').Select(System.Text.Encoding.UTF8.GetBytes).ToArray();
        longest = all.Max(word => word.Length);
        slots = new byte[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)all.Length * 4)][];
        foreach (byte[] word in all)
        {
            uint slot = Hash(word);
            while (slots[slot & (uint)(slots.Length - 1)] is not null)
            {
                slot++;
            }

            slots[slot & (uint)(slots.Length - 1)] = word;
        }
    }

    /// <summary>The list of a language: one for all analyzers.</summary>
    public static StopWords For(string language) => Known.GetOrAdd(language, static name => new StopWords(
        StopWordLists.Find(name) ?? throw PuffException.Invalid($"there is no stop word list for {name}; set remove_stopwords to false")));

    public bool Contains(ReadOnlySpan<byte> term)
    {
        if (term.Length > longest)
        {
            return false;
        }

        for (uint slot = Hash(term); slots[slot & (uint)(slots.Length - 1)] is { } word; slot++)
        {
            if (term.SequenceEqual(word))
            {
                return true;
            }
        }

        return false;
    }

    private static uint Hash(ReadOnlySpan<byte> term)
    {
        uint hash = (uint)term.Length;
        foreach (byte value in term)
        {
            hash = (hash ^ value) * 0x9E3779B1;
        }

        return hash ^ hash >> 15;
    }
}
