using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Text;

/// <summary>
/// Cuts one text into tokens of lower-cased bytes (steps 1 to 3 of turbopuffer-api 6.1). ASCII goes 64 bytes at a time: the block is copied in lower case
/// to where the terms live, bit operations find the runs, and a token is two bit scans. Around other characters it goes segment by segment.
/// </summary>
internal readonly ref struct TokenScanner<TSegmenter>
    where TSegmenter : struct, ISegmenter
{
    private readonly ReadOnlySpan<byte> utf8;
    private readonly TokenBuffer tokens;
    private readonly int maxLength;
    private readonly bool isLowerCased;

    private TokenScanner(ReadOnlySpan<byte> utf8, TokenBuffer tokens, int maxLength, bool isLowerCased)
    {
        this.utf8 = utf8;
        this.tokens = tokens;
        this.maxLength = maxLength;
        this.isLowerCased = isLowerCased;
    }

    public static void Scan(ReadOnlySpan<byte> utf8, TokenBuffer tokens, int maxLength, bool isLowerCased)
    {
        var scanner = new TokenScanner<TSegmenter>(utf8, tokens, maxLength, isLowerCased);
        int at = 0;
        while (at < utf8.Length)
        {
            at = scanner.Ascii(at);
            at = scanner.Segments(at);
        }
    }

    /// <summary>
    /// Tokens from <paramref name="from"/>, a place where a segment may begin, as far as the text is ASCII. A run counts as ended only if two ASCII bytes
    /// (or the end of the text) follow it: a mark could still join what comes next.
    /// </summary>
    /// <returns>Where to go on by segments; a segment may begin there.</returns>
    private int Ascii(int from)
    {
        // The copy of byte i lies at i + shift.
        int shift = tokens.BytesUsed - from;
        int runStart = -1;
        int decidedEnd = from;
        Span<byte> padded = stackalloc byte[AsciiBlock.Length];
        for (int at = from; at < utf8.Length; at += AsciiBlock.Length)
        {
            var block = Block(at, shift, padded);
            byte next = at + AsciiBlock.Length < utf8.Length ? utf8[at + AsciiBlock.Length] : (byte)0;
            ulong word = TSegmenter.WordBits(block, at > from ? utf8[at - 1] : (byte)0, next);
            ulong before = word << 1 | (runStart >= 0 ? 1UL : 0);
            ulong starts = word & ~before;
            ulong ends = ~word & before;
            int foreign = block.NonAscii != 0 ? BitOperations.TrailingZeroCount(block.NonAscii) : AsciiBlock.Length + (next >> 7 ^ 1);
            if (foreign <= AsciiBlock.Length)
            {
                ends &= foreign < 2 ? 0 : ulong.MaxValue >> (AsciiBlock.Length - foreign + 1);
            }

            Emit(at, shift, starts, ends, ref runStart, ref decidedEnd);
            if (foreign <= AsciiBlock.Length)
            {
                int place = runStart >= 0 && runStart < at + foreign ? runStart : Math.Max(decidedEnd, at + foreign - 1);
                tokens.BytesUsed = shift + Math.Max(place, from);
                return place;
            }
        }

        if (runStart >= 0)
        {
            AddRun(runStart, utf8.Length, shift);
        }

        tokens.BytesUsed = shift + utf8.Length;
        return utf8.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AsciiBlock Block(int at, int shift, Span<byte> padded)
    {
        ref byte target = ref MemoryMarshal.GetReference(tokens.BytesAt(at + shift, AsciiBlock.Length));
        if (utf8.Length - at >= AsciiBlock.Length)
        {
            return new AsciiBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(utf8), at), ref target, isLowerCased);
        }

        padded.Clear();
        utf8[at..].CopyTo(padded);
        return new AsciiBlock(ref MemoryMarshal.GetReference(padded), ref target, isLowerCased);
    }

    /// <summary>Adds the runs whose end is known in this block; a run without one stays in <paramref name="runStart"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Emit(int at, int shift, ulong starts, ulong ends, ref int runStart, ref int decidedEnd)
    {
        var room = tokens.Room((AsciiBlock.Length / 2) + 1);
        int added = 0;
        int position = tokens.Positions;
        int start = runStart;
        while (true)
        {
            if (start < 0)
            {
                if (starts == 0)
                {
                    break;
                }

                start = at + BitOperations.TrailingZeroCount(starts);
                starts &= starts - 1;
            }

            if (ends == 0)
            {
                break;
            }

            int end = at + BitOperations.TrailingZeroCount(ends);
            ends &= ends - 1;
            if (TSegmenter.IsToken(utf8[start..end]))
            {
                if (end - start <= maxLength)
                {
                    ref var token = ref room[added++];
                    token.TermStart = start + shift;
                    token.TermLength = end - start;
                    token.Position = position;
                    token.Start = start;
                    token.End = end;
                    token.Element = tokens.Elements;
                }

                position++;
            }

            decidedEnd = end;
            start = -1;
        }

        runStart = start;
        tokens.Positions = position;
        tokens.Added(added);
    }

    private void AddRun(int start, int end, int shift)
    {
        if (TSegmenter.IsToken(utf8[start..end]))
        {
            if (end - start <= maxLength)
            {
                tokens.Add(start + shift, end - start, start, end);
            }

            tokens.Positions++;
        }
    }

    /// <summary>Tokens from <paramref name="at"/> on until two ASCII bytes follow a boundary.</summary>
    private int Segments(int at)
    {
        while (at < utf8.Length)
        {
            int end = TSegmenter.NextBoundary(utf8, at, out bool isToken);
            if (isToken)
            {
                AddSegment(at, end);
                tokens.Positions++;
            }

            at = end;
            if (at + 1 < utf8.Length && (utf8[at] | utf8[at + 1]) < 0x80)
            {
                break;
            }
        }

        return at;
    }

    private void AddSegment(int start, int end)
    {
        var segment = utf8[start..end];
        if (segment.Length > maxLength && CodePoints.Count(segment) > maxLength)
        {
            return;
        }

        int from = tokens.BytesUsed;
        int used = 0;

        // A character takes at most three bytes more in lower case, or as the replacement of one wrong byte.
        var target = tokens.BytesAt(from, (segment.Length * 3) + 4);
        for (int at = 0; at < segment.Length;)
        {
            int codePoint = CodePoints.Decode(segment, at, out int length);
            at += length;
            used += isLowerCased ? LowerCase.Append(codePoint, target[used..]) : CodePoints.Encode(codePoint, target[used..]);
        }

        tokens.BytesUsed = from + used;
        tokens.Add(from, used, start, end);
    }
}
