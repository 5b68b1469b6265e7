namespace Puff.Engine.Text;

/// <summary>
/// The word under a stemmer's knife, in UTF-16. A step looks for the longest ending of a list (<see cref="Find"/>) and then cuts or replaces it.
/// Regions (R1, R2, RV of the Snowball descriptions) are plain positions: a step says from where on an ending counts.
/// </summary>
internal sealed class StemWord
{
    private char[] text = new char[64];

    public int Length { get; private set; }

    /// <summary>How many characters the ending found last has.</summary>
    public int EndingLength { get; private set; }

    /// <summary>Where the ending found last begins.</summary>
    public int EndingStart => Length - EndingLength;

    public ReadOnlySpan<char> Text => text.AsSpan(0, Length);

    public char this[int i]
    {
        get => text[i];
        set => text[i] = value;
    }

    public void Set(ReadOnlySpan<byte> utf8)
    {
        // Room for what preludes and preceding endings may add.
        if (text.Length < (utf8.Length * 2) + 16)
        {
            text = new char[(utf8.Length * 2) + 16];
        }

        Length = System.Text.Encoding.UTF8.GetChars(utf8, text);
        EndingLength = 0;
    }

    /// <summary>The longest ending of the list that begins at <paramref name="from"/> or later.</summary>
    /// <returns>The number of its group, 0 if the word has none of these endings.</returns>
    public int Find(Endings endings, int from = 0)
    {
        int group = endings.Longest(Text[Math.Min(from, Length)..], out int length);
        EndingLength = length;
        return group;
    }

    /// <summary>As <see cref="Find"/>, without touching the ending found before: the longest ending of the first <paramref name="end"/> characters.</summary>
    public int FindBefore(Endings endings, int end, int from = 0) => from > end ? 0 : endings.Longest(text.AsSpan(from, end - from), out _);

    /// <summary>True if the word ends so, which is then the ending found last.</summary>
    public bool EndsWith(string ending, int from = 0)
    {
        bool isThere = IsBefore(ending, Length, from);
        EndingLength = isThere ? ending.Length : 0;
        return isThere;
    }

    /// <summary>True if the characters before <paramref name="end"/> are these.</summary>
    public bool IsBefore(string ending, int end, int from = 0) =>
        end - ending.Length >= from && text.AsSpan(end - ending.Length, ending.Length).SequenceEqual(ending);

    /// <summary>True if there is a character before <paramref name="end"/> and it is one of these.</summary>
    public bool IsOneBefore(string set, int end, int from = 0) => end > from && end <= Length && set.Contains(text[end - 1]);

    /// <summary>True if there is a character before <paramref name="end"/> and it is none of these.</summary>
    public bool IsNoneBefore(string set, int end, int from = 0) => end > from && end <= Length && !set.Contains(text[end - 1]);

    public bool IsOneAt(string set, int i) => i < Length && set.Contains(text[i]);

    public bool IsNoneAt(string set, int i) => i < Length && !set.Contains(text[i]);

    /// <summary>Removes the ending found last.</summary>
    public void Cut() => Cut(EndingLength);

    /// <summary>Removes the last characters.</summary>
    public void Cut(int count)
    {
        Length -= count;
        EndingLength = 0;
    }

    /// <summary>Puts other characters in the place of the ending found last.</summary>
    public void Put(string replacement)
    {
        Replace(EndingStart, Length, replacement);
        EndingLength = 0;
    }

    public void Append(string ending) => Replace(Length, Length, ending);

    /// <summary>Replaces the characters of a range.</summary>
    public void Replace(int start, int end, string replacement)
    {
        int grown = Length + replacement.Length - (end - start);
        if (grown > text.Length)
        {
            Array.Resize(ref text, grown * 2);
        }

        text.AsSpan(end, Length - end).CopyTo(text.AsSpan(start + replacement.Length));
        replacement.CopyTo(text.AsSpan(start));
        Length = grown;
    }

    /// <summary>Replaces a character wherever it stands.</summary>
    public void ReplaceAll(char from, char to) => text.AsSpan(0, Length).Replace(from, to);

    /// <summary>The place after the first of these characters at or after <paramref name="from"/>; the length if there is none.</summary>
    public int PastOne(string set, int from)
    {
        while (from < Length && !set.Contains(text[from]))
        {
            from++;
        }

        return Math.Min(from + 1, Length);
    }

    /// <summary>The place after the first character at or after <paramref name="from"/> that is none of these; the length if there is none.</summary>
    public int PastOther(string set, int from)
    {
        while (from < Length && set.Contains(text[from]))
        {
            from++;
        }

        return Math.Min(from + 1, Length);
    }

    /// <summary>The place after the first vowel and the first consonant behind it: R1 from the start of the word, R2 from R1.</summary>
    public int Region(string vowels, int from) => PastOther(vowels, PastOne(vowels, from));

    /// <summary>
    /// RV as the Romance languages other than French have it: after the first vowel behind the second character if that is a consonant; else after the first
    /// consonant behind it if the word begins with two vowels; else after the third character.
    /// </summary>
    public int RomanceRegion(string vowels)
    {
        if (Length < 2)
        {
            return Length;
        }

        if (!vowels.Contains(text[1]))
        {
            return PastOne(vowels, 2);
        }

        return vowels.Contains(text[0]) ? PastOther(vowels, 2) : Math.Min(3, Length);
    }
}
