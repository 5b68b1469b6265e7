using System.Buffers;

namespace Puff.Sync.Documents;

internal enum ArrayToken { Begin, End, Element, Null, Done }

/// <summary>Reads the text form of an array value: `{1,NULL,"a \"b\""}`, also nested and with explicit bounds (`[0:1]={…}`).</summary>
internal ref struct ArrayReader
{
    private static readonly SearchValues<byte> QuoteOrEscape = SearchValues.Create("\"\\"u8);
    private readonly ReadOnlySpan<byte> text;
    private readonly byte delimiter;
    private readonly string column;
    private int at;
    private int depth;

    public ArrayReader(ReadOnlySpan<byte> text, string column, byte delimiter = (byte)',')
    {
        this.text = text;
        this.column = column;
        this.delimiter = delimiter;
        if (text.Length > 0 && text[0] == '[')
        {
            HasBounds = true;
            at = text.IndexOf((byte)'=') + 1;
        }
    }

    /// <summary>The lower bound is not 1 everywhere.</summary>
    public bool HasBounds { get; }

    /// <summary>After <see cref="ArrayToken.Element"/>: its text without quotes and escapes.</summary>
    public ReadOnlySpan<byte> Element { get; private set; }

    public ArrayToken Read()
    {
        if (at >= text.Length)
        {
            return depth == 0 ? ArrayToken.Done : throw Broken();
        }

        byte next = text[at];
        if (next == delimiter && depth > 0)
        {
            next = ++at < text.Length ? text[at] : throw Broken();
        }

        switch (next)
        {
            case (byte)'{':
                at++;
                depth++;
                return ArrayToken.Begin;
            case (byte)'}':
                at++;
                return --depth >= 0 ? ArrayToken.End : throw Broken();
            case (byte)'"':
                Element = ReadQuoted();
                return ArrayToken.Element;
        }

        if (depth == 0)
        {
            throw Broken();
        }

        int length = text[at..].IndexOfAny(delimiter, (byte)'}');
        Element = length > 0 ? text.Slice(at, length) : throw Broken();
        at += length;
        return Element.SequenceEqual("NULL"u8) ? ArrayToken.Null : ArrayToken.Element;
    }

    private ReadOnlySpan<byte> ReadQuoted()
    {
        int start = ++at;
        byte[]? unescaped = null;
        int written = 0;
        while (true)
        {
            int stop = text[at..].IndexOfAny(QuoteOrEscape);
            if (stop < 0 || (text[at + stop] == '\\' && at + stop + 1 >= text.Length))
            {
                throw Broken();
            }

            bool isEnd = text[at + stop] == '"';
            if (isEnd && unescaped is null)
            {
                at += stop + 1;
                return text[start..(at - 1)];
            }

            unescaped ??= new byte[text.Length - start];
            text.Slice(at, stop).CopyTo(unescaped.AsSpan(written));
            written += stop;
            at += stop + 1;
            if (isEnd)
            {
                return unescaped.AsSpan(0, written);
            }

            unescaped[written++] = text[at++];
        }
    }

    private readonly RowException Broken() => new("value_unreadable", $"a value of column \"{column}\" is no array in text form");
}
