using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The beginning of a long posting list of the part `text`, as stored: 40 bytes at a multiple of 8, followed by its blocks' table.</summary>
/// <param name="Postings">Documents with the term.</param>
/// <param name="BlocksAndRanges">Entries of the table; the highest bit but one says that the list has <see cref="TextRanges"/>.</param>
/// <param name="BlockBytes">Bytes of the blocks behind the table.</param>
/// <param name="PositionBytes">Bytes of the positions behind the blocks.</param>
/// <param name="Occurrences">The sum of all frequencies.</param>
/// <param name="Impacts">Up to four impacts that no posting exceeds.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TextListHeader(
    uint Postings, uint BlocksAndRanges, ulong BlockBytes, ulong PositionBytes, ulong Occurrences, ulong Impacts)
{
    public const int Bytes = 40;
    public const uint RangesBit = 1u << 30;

    public int Blocks => (int)(BlocksAndRanges & ~RangesBit);

    public bool HasRanges => (BlocksAndRanges & RangesBit) != 0;
}

/// <summary>One block of a long posting list of the part `text`, as stored: 24 bytes.</summary>
/// <param name="LastDocument">Of the block.</param>
/// <param name="Offset">Where the block begins, from the end of the table.</param>
/// <param name="PositionOffset">Where its positions begin, from the beginning of the list's positions.</param>
/// <param name="Impacts">Up to four impacts that no posting of the block exceeds.</param>
/// <param name="DocumentBits">Width of the packed differences; <see cref="BitSet"/> for a bit set.</param>
/// <param name="FrequencyBits">Width of the packed frequencies - 1.</param>
/// <param name="CountLessOne">Postings - 1; 127 in all blocks of a list but the last.</param>
/// <param name="Reserved">Zero.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TextBlock(
    uint LastDocument, uint Offset, uint PositionOffset, ulong Impacts, byte DocumentBits, byte FrequencyBits, byte CountLessOne, byte Reserved)
{
    public const int Bytes = 24;

    /// <summary>Instead of a width: one bit for every document behind the block before up to the last one, in 64-bit words.</summary>
    public const byte BitSet = 64;

    /// <summary>A frequency needs no more: a document has less than 2^24 tokens.</summary>
    public const int MaxFrequencyBits = 24;

    public int Count => CountLessOne + 1;

    /// <summary>Words of a bit set.</summary>
    public static int WordsOf(uint previous, uint last) => (int)((last - previous + 63) / 64);
}

/// <summary>
/// Where a long list lies, as stored: 16 bytes. For whoever wants to fetch lists together with the blocks of the dictionary that name them; different terms may
/// have the same checksum, so that a place may be fetched in vain.
/// </summary>
/// <param name="Checksum">CRC-32C of the term; the places are in its order.</param>
/// <param name="Length">Of header, table and blocks, without the positions.</param>
/// <param name="Offset">In section 24.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TextListPlace(uint Checksum, uint Length, ulong Offset)
{
    public const int Bytes = 16;
}

/// <summary>Where one block of the dictionary lies, as stored: 16 bytes. A last entry ends the first term of the one before it.</summary>
/// <param name="Offset">In section 24.</param>
/// <param name="Length">In bytes.</param>
/// <param name="FirstTerm">Where its first term begins in section 26.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TextBlockEntry(ulong Offset, uint Length, uint FirstTerm)
{
    public const int Bytes = 16;
}

/// <summary>What the part `text` says about one attribute as a whole.</summary>
/// <param name="Documents">Documents with a value, an empty one too.</param>
/// <param name="Length">Tokens of all documents.</param>
/// <param name="Terms">Different tokens.</param>
/// <param name="Postings">Pairs of a document and a term.</param>
/// <param name="PositionBytes">Of all positions, for reports.</param>
/// <param name="Analysis">How the text was analysed.</param>
internal sealed record TextFacts(long Documents, long Length, long Terms, long Postings, long PositionBytes, TextAnalysis Analysis)
{
    public void Write(ByteWriter writer)
    {
        writer.Varint((ulong)Documents);
        writer.Varint((ulong)Length);
        writer.Varint((ulong)Terms);
        writer.Varint((ulong)Postings);
        writer.Varint((ulong)PositionBytes);
        writer.Text(Analysis.Tokenizer);
        writer.Text(Analysis.Language);
        writer.Varint((ulong)Analysis.MaxTokenLength);
        writer.Byte((byte)Analysis.Flags);
    }

    public static TextFacts Read(MemoryRegion section)
    {
        var reader = new ByteReader(section.AsSpan());
        var facts = new TextFacts(
            reader.Int64Varint(), reader.Int64Varint(), reader.Int64Varint(), reader.Int64Varint(), reader.Int64Varint(),
            new TextAnalysis(reader.Text(), reader.Text(), reader.Int32Varint(), (TextAnalysisFlags)reader.Byte()));
        reader.ExpectEnd();
        return facts;
    }
}

[Flags]
internal enum TextAnalysisFlags : byte
{
    Stemming = 1,
    RemoveStopwords = 2,
    CaseSensitive = 4,
    AsciiFolding = 8,
}

/// <summary>The settings that decide which tokens a text has: an index made with others cannot be searched.</summary>
internal sealed record TextAnalysis(string Tokenizer, string Language, int MaxTokenLength, TextAnalysisFlags Flags)
{
    public static TextAnalysis Of(FullTextSettings settings) => new(
        settings.Tokenizer, settings.Language, settings.MaxTokenLength,
        (settings.Stemming ? TextAnalysisFlags.Stemming : 0) | (settings.RemoveStopwords ? TextAnalysisFlags.RemoveStopwords : 0)
        | (settings.CaseSensitive ? TextAnalysisFlags.CaseSensitive : 0) | (settings.AsciiFolding ? TextAnalysisFlags.AsciiFolding : 0));

    /// <summary>Settings that analyse like this.</summary>
    public FullTextSettings ToSettings() => new()
    {
        Tokenizer = Tokenizer,
        Language = Language,
        MaxTokenLength = MaxTokenLength,
        Stemming = Flags.HasFlag(TextAnalysisFlags.Stemming),
        RemoveStopwords = Flags.HasFlag(TextAnalysisFlags.RemoveStopwords),
        CaseSensitive = Flags.HasFlag(TextAnalysisFlags.CaseSensitive),
        AsciiFolding = Flags.HasFlag(TextAnalysisFlags.AsciiFolding),
    };
}
