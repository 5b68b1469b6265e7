namespace Puff.Engine.Text;

/// <summary>
/// How a tokenizer cuts text: bit-parallel over ASCII, and one segment at a time for the rest. Implemented by structs, so that the loops are compiled for each.
/// </summary>
internal interface ISegmenter
{
    /// <summary>Bits of the bytes inside runs that stay together, in a block of 64 ASCII bytes.</summary>
    /// <param name="previous">The byte before the block, 0 at the start.</param>
    /// <param name="next">The byte after the block, 0 at the end.</param>
    static abstract ulong WordBits(in AsciiBlock block, byte previous, byte next);

    /// <summary>True if a run of ASCII bytes that <see cref="WordBits"/> keeps together is a token.</summary>
    static abstract bool IsToken(ReadOnlySpan<byte> run);

    /// <summary>The end of the segment that begins at <paramref name="start"/>, a place where a segment may begin.</summary>
    static abstract int NextBoundary(ReadOnlySpan<byte> utf8, int start, out bool isToken);
}
