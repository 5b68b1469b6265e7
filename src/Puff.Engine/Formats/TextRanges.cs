using System.Runtime.CompilerServices;

namespace Puff.Engine.Formats;

/// <summary>
/// What the list of a frequent term gives at most in each range of four documents: a code of 4 bits a range, and for each code the impacts behind it. 0 says
/// that no document of the range has the term. As stored: behind the blocks of the list first the table, then the starts, then the codes.
/// </summary>
/// <param name="Table">For each code and each frequency code of an impact the smallest length code, or <see cref="None"/>.</param>
/// <param name="Starts">For every 512 documents, 32 bits: the list's blocks that end before them.</param>
/// <param name="Codes">In groups of 64 ranges: of each byte the lower half is for one of the first 32, the upper half for the one 32 behind it.</param>
internal readonly unsafe record struct TextRanges(nint Table, nint Starts, nint Codes)
{
    /// <summary>Documents of a range, as a power of two: so few that terms which are not together seldom look as if they were.</summary>
    public const int Shift = 2;

    /// <summary>Documents of a range.</summary>
    public const int Documents = 1 << Shift;

    /// <summary>Different codes, 0 included.</summary>
    public const int CodeCount = 16;

    /// <summary>Documents for which there is one start, as a power of two: those of a few blocks of the most frequent term.</summary>
    public const int StartShift = 9;

    public const int GroupRanges = 64;
    public const int GroupBytes = GroupRanges / 2;

    /// <summary>Smaller sets are searched fast without.</summary>
    public const int MinDocuments = 8_192;

    public const int TableBytes = CodeCount * CodeCount;

    /// <summary>No posting behind the code has the frequency.</summary>
    public const byte None = 0xFF;

    /// <summary>Longer documents count as those of this code.</summary>
    public const byte LongestCode = None - 1;

    /// <summary>A term that fewer of the documents have is unpacked as fast as its codes could be read.</summary>
    private const int Share = 64;

    /// <summary>Whether a list has ranges.</summary>
    public static bool AreFor(int postings, int documents) => documents >= MinDocuments && postings >= documents / Share;

    /// <summary>Bytes of the table, the starts and the codes.</summary>
    public static long Bytes(int documents) => TableBytes + StartCount(documents) * sizeof(uint) + CodeBytes(documents);

    /// <param name="pointer">As many bytes as <see cref="Bytes"/> says.</param>
    /// <param name="documents">Of the set.</param>
    public static TextRanges At(byte* pointer, int documents)
    {
        byte* starts = pointer + TableBytes;
        return new TextRanges((nint)pointer, (nint)starts, (nint)(starts + StartCount(documents) * sizeof(uint)));
    }

    public static int StartCount(int documents) => (documents - 1 >> StartShift) + 1;

    public static int CodeBytes(int documents) => (documents - 1 >> Shift) / GroupRanges * GroupBytes + GroupBytes;

    /// <summary>A block of the list that is not behind a document, and not far before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint StartOf(int document) => ((uint*)Starts)[document >> StartShift];

    /// <summary>The code of one range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int At(int range) => ((byte*)Codes)[Place(range)] >> Half(range) & 0xF;

    /// <summary>Which byte has the code of a range.</summary>
    public static int Place(int range) => (range >> 6) * GroupBytes + (range & 31);

    /// <summary>By how many bits it is shifted there.</summary>
    public static int Half(int range) => (range & 32) >> 3;
}
