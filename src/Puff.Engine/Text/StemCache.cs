namespace Puff.Engine.Text;

/// <summary>
/// Remembers the stems of words met before, because a text repeats few words often: a fixed table, one entry a slot, the newer word wins.
/// Bench: `analyze` shows what it saves.
/// </summary>
internal sealed class StemCache
{
    /// <summary>Longer words are stemmed each time; a stem may be a little longer than its word.</summary>
    public const int MaxWordLength = 24;

    private const int SlotBits = 12;
    private const int SlotLength = 64;
    private const int StemPlace = 32;

    // A slot: length of the word, the word, and from the middle on length of the stem, the stem. 256 KiB stay within a second-level cache.
    private readonly byte[] slots = new byte[SlotLength << SlotBits];

    /// <summary>The slot of a word, and whether it holds the word's stem already.</summary>
    public int Find(ReadOnlySpan<byte> word, out bool isKnown)
    {
        int slot = (int)(Hash(word) >> (64 - SlotBits)) * SlotLength;
        isKnown = slots[slot] == word.Length && slots.AsSpan(slot + 1, word.Length).SequenceEqual(word);
        return slot;
    }

    public ReadOnlySpan<byte> Stem(int slot) => slots.AsSpan(slot + StemPlace + 1, slots[slot + StemPlace]);

    public void Store(int slot, ReadOnlySpan<byte> word, ReadOnlySpan<byte> stem)
    {
        if (stem.Length < StemPlace)
        {
            slots[slot] = (byte)word.Length;
            word.CopyTo(slots.AsSpan(slot + 1));
            slots[slot + StemPlace] = (byte)stem.Length;
            stem.CopyTo(slots.AsSpan(slot + StemPlace + 1));
        }
    }

    private static ulong Hash(ReadOnlySpan<byte> word)
    {
        ulong hash = (ulong)word.Length;
        foreach (byte value in word)
        {
            hash = (hash ^ value) * 0x9E3779B97F4A7C15;
        }

        return hash ^ hash << 31;
    }
}
