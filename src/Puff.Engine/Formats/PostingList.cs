using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// The documents that have a term, ascending, in blocks of 128 (the last one may have fewer): stored in a segment, or gathered in memory. Any number of threads
/// may read; damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal abstract unsafe class PostingList(int documents, ulong impacts)
{
    public const int BlockLength = PackedIntegers.BlockLength;

    /// <summary>Documents with the term, at least 1.</summary>
    public int Documents { get; } = documents;

    public int BlockCount { get; } = (documents + BlockLength - 1) / BlockLength;

    /// <summary>Four <see cref="TextImpact"/>s that no posting exceeds.</summary>
    public ulong Impacts { get; } = impacts;

    /// <summary>What the list gives at most in each range of four documents; null when that is not stored.</summary>
    public virtual TextRanges? Ranges => null;

    public abstract int LastDocumentOf(int block);

    /// <summary>A block that is not behind the first one that ends at or behind a document, and near it if the list knows more than 0.</summary>
    public virtual int StartOf(int document) => 0;

    /// <summary>Four <see cref="TextImpact"/>s that no posting of the block exceeds.</summary>
    public abstract ulong ImpactsOf(int block);

    /// <summary>
    /// Unpacks the documents of one block: strictly ascending and within the set, whatever is stored; behind the last one the output is filled with
    /// int.MaxValue.
    /// </summary>
    /// <param name="block">0 to <see cref="BlockCount"/> - 1.</param>
    /// <param name="documents">Room for 128.</param>
    /// <returns>The number of postings.</returns>
    public abstract int ReadDocuments(int block, int* documents);

    /// <summary>Unpacks the frequencies of one block, all at least 1; what comes behind the last one is unspecified.</summary>
    /// <param name="block">Read with <see cref="ReadDocuments"/> before.</param>
    /// <param name="frequencies">Room for 128.</param>
    public abstract void ReadFrequencies(int block, int* frequencies);

    /// <summary>The frequency of one posting of a block.</summary>
    /// <param name="block">Read with <see cref="ReadDocuments"/> before.</param>
    /// <param name="posting">Below what that returned.</param>
    public abstract int FrequencyAt(int block, int posting);

    /// <summary>Whether <see cref="FindFrequencies"/> may be asked, which then costs less than unpacking a block for a few documents.</summary>
    public virtual bool HasBits(int block) => false;

    /// <summary>The frequencies of some documents without unpacking the block; 0 for those that lack the term.</summary>
    /// <param name="block">One that <see cref="HasBits"/>.</param>
    /// <param name="documents">Ascending, behind the block before, and not behind the last document of this one.</param>
    /// <param name="count">How many.</param>
    /// <param name="frequencies">Overwritten.</param>
    public virtual void FindFrequencies(int block, int* documents, int count, int* frequencies) => throw new NotSupportedException("the block is no bit set");

    /// <summary>The same for documents that follow each other.</summary>
    /// <param name="block">One that <see cref="HasBits"/>.</param>
    /// <param name="first">Behind the block before.</param>
    /// <param name="count">1 to 64; the last document is not behind the block.</param>
    /// <param name="frequencies">Of documents with the term; the others are left alone.</param>
    public virtual void FindNeighbors(int block, int first, int count, int* frequencies) => throw new NotSupportedException("the block is no bit set");

    /// <summary>Both.</summary>
    public int Read(int block, int* documents, int* frequencies)
    {
        int count = ReadDocuments(block, documents);
        ReadFrequencies(block, frequencies);
        return count;
    }

    /// <summary>The positions of one block's postings, one posting after the other: of each as many as its frequency, ascending.</summary>
    /// <param name="block">As for <see cref="Read"/>.</param>
    /// <param name="frequencies">As <see cref="Read"/> gave them.</param>
    /// <param name="positions">Overwritten.</param>
    public abstract void ReadPositions(int block, ReadOnlySpan<int> frequencies, List<int> positions);
}

/// <param name="term">Valid during the call.</param>
/// <param name="documents">Documents with the term, perhaps some more than there are.</param>
internal delegate void TermVisitor(ReadOnlySpan<byte> term, int documents);

/// <summary>The text of one attribute in a set of documents, indexed: of a segment, or of documents in memory.</summary>
internal unsafe interface ITextIndex
{
    /// <summary>Numbers of documents, with or without a text.</summary>
    int Documents { get; }

    /// <summary>Documents with a text, and the sum of their lengths; deleted ones included.</summary>
    (long Documents, long Length) Totals { get; }

    /// <summary>Null when no document has the term.</summary>
    PostingList? Find(ReadOnlySpan<byte> term);

    /// <summary>The lists of all terms that begin so.</summary>
    void FindPrefix(ReadOnlySpan<byte> prefix, List<PostingList> lists);

    /// <summary>Calls for every term, in ascending order if the index has one, with the documents that have it.</summary>
    void ForEachTerm(TermVisitor visit);

    /// <summary>Tokens of a document; -1 when it has no text.</summary>
    int LengthOf(int document);

    /// <summary>Tokens of documents that have some.</summary>
    void ReadLengths(int* documents, int count, int* lengths);

    /// <summary>The same for four documents that follow each other; unspecified behind the last one.</summary>
    void ReadLengths(int first, int* lengths);
}
