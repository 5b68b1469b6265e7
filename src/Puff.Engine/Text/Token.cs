namespace Puff.Engine.Text;

/// <summary>One token: where its term lies among the buffer's bytes, its position in the stream, and its bytes in the text it came from.</summary>
internal struct Token
{
    public int TermStart;
    public int TermLength;
    public int Position;
    public int Start;
    public int End;
    public int Element;
}
