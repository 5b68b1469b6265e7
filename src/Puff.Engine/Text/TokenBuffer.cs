using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>
/// The tokens of one document or query in the order of the text. Reused from document to document: it grows to the largest one and allocates nothing
/// after that. For one thread at a time.
/// </summary>
internal sealed class TokenBuffer
{
    private const int InitialTokens = 64;
    private const int InitialBytes = 1024;

    private Token[] tokens = new Token[InitialTokens];
    private byte[] bytes = new byte[InitialBytes];

    /// <summary>Tokens kept: the document length of BM25.</summary>
    public int Count { get; private set; }

    /// <summary>The next free position; dropped tokens took one too.</summary>
    public int Positions { get; set; }

    /// <summary>How many texts were analysed: the next token belongs to this element.</summary>
    public int Elements { get; set; }

    /// <summary>Where the next term's bytes go.</summary>
    public int BytesUsed { get; set; }

    /// <summary>Where words are stemmed; the buffer owns it because an analyzer is shared.</summary>
    public StemScratch Stems { get; } = new();

    public Span<Token> Tokens => tokens.AsSpan(0, Count);

    public void Clear()
    {
        Count = 0;
        Positions = 0;
        Elements = 0;
        BytesUsed = 0;
    }

    /// <summary>The normalised token, UTF-8. Valid until the buffer changes.</summary>
    public ReadOnlySpan<byte> Term(int i)
    {
        ref readonly var token = ref Tokens[i];
        return bytes.AsSpan(token.TermStart, token.TermLength);
    }

    public int Position(int i) => Tokens[i].Position;

    /// <summary>First byte of the token in the source text of its element.</summary>
    public int Start(int i) => Tokens[i].Start;

    /// <summary>The byte after the token in the source text of its element.</summary>
    public int End(int i) => Tokens[i].End;

    /// <summary>Which of the analysed texts the token is from, counted from 0 since <see cref="Clear"/>.</summary>
    public int Element(int i) => Tokens[i].Element;

    /// <summary>Room for term bytes from <paramref name="start"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> BytesAt(int start, int count)
    {
        if (bytes.Length - start < count)
        {
            GrowBytes(start + count);
        }

        return bytes.AsSpan(start, count);
    }

    /// <summary>Room for <paramref name="more"/> further tokens, written from index <see cref="Count"/> on and counted by <see cref="Added"/>.</summary>
    public Span<Token> Room(int more)
    {
        if (tokens.Length - Count < more)
        {
            Array.Resize(ref tokens, Math.Max(tokens.Length * 2, Count + more));
        }

        return tokens.AsSpan(Count);
    }

    public void Added(int count) => Count += count;

    /// <summary>Forgets the tokens from <paramref name="count"/> on.</summary>
    public void Truncate(int count) => Count = count;

    /// <summary>Adds one token whose term is already among the bytes.</summary>
    public void Add(int termStart, int termLength, int start, int end)
    {
        ref var token = ref Room(1)[0];
        token.TermStart = termStart;
        token.TermLength = termLength;
        token.Position = Positions;
        token.Start = start;
        token.End = end;
        token.Element = Elements;
        Count++;
    }

    private void GrowBytes(int needed) => Array.Resize(ref bytes, Math.Max(needed, bytes.Length > int.MaxValue / 2 ? int.MaxValue - 64 : bytes.Length * 2));
}
