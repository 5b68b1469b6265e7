namespace Puff.Sync.Documents;

/// <summary>Reads the text form of a composite value: `(1,,"a ""b""")`. An empty field is null.</summary>
internal ref struct CompositeReader(ReadOnlySpan<byte> text, string column)
{
    private readonly ReadOnlySpan<byte> text = text;
    private int at = 1;

    /// <summary>After <see cref="Read"/>: the field without quotes and escapes.</summary>
    public ReadOnlySpan<byte> Field { get; private set; }

    public bool IsNull { get; private set; }

    /// <summary>False after the last field.</summary>
    public bool Read()
    {
        if (text.Length < 2 || text[0] != '(' || text[^1] != ')')
        {
            throw new RowException("value_unreadable", $"a value of column \"{column}\" is no composite value in text form");
        }

        if (at >= text.Length)
        {
            return false;
        }

        int start = at;
        bool isQuoted = false;
        bool isEscaped = false;
        while (at < text.Length - 1 && (isQuoted || text[at] != ','))
        {
            if (text[at] == '\\')
            {
                isEscaped = true;
                at++;
            }
            else if (text[at] == '"')
            {
                isQuoted = !isQuoted;
                isEscaped = true;
            }

            at++;
        }

        at = Math.Min(at, text.Length - 1);
        var raw = text[start..at];
        IsNull = raw.IsEmpty;
        Field = isEscaped ? Unescape(raw) : raw;
        at++;
        return true;
    }

    private static byte[] Unescape(ReadOnlySpan<byte> raw)
    {
        var plain = new List<byte>(raw.Length);
        bool isQuoted = false;
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\' && i + 1 < raw.Length)
            {
                plain.Add(raw[++i]);
            }
            else if (raw[i] == '"' && isQuoted && i + 1 < raw.Length && raw[i + 1] == '"')
            {
                plain.Add(raw[++i]);
            }
            else if (raw[i] == '"')
            {
                isQuoted = !isQuoted;
            }
            else
            {
                plain.Add(raw[i]);
            }
        }

        return [.. plain];
    }
}

/// <summary>Reads the text form of an hstore value: `"a"=>"1", "b"=>NULL`.</summary>
internal ref struct HstoreReader(ReadOnlySpan<byte> text, string column)
{
    private readonly ReadOnlySpan<byte> text = text;
    private int at;

    public byte[] Key { get; private set; } = [];

    /// <summary>Null for NULL.</summary>
    public byte[]? Content { get; private set; }

    public bool Read()
    {
        while (at < text.Length && text[at] is (byte)',' or (byte)' ')
        {
            at++;
        }

        if (at >= text.Length)
        {
            return false;
        }

        Key = ReadQuoted();
        if (!text[at..].StartsWith("=>"u8))
        {
            throw Broken();
        }

        at += 2;
        if (text[at..].StartsWith("NULL"u8))
        {
            at += 4;
            Content = null;
            return true;
        }

        Content = ReadQuoted();
        return true;
    }

    private byte[] ReadQuoted()
    {
        if (at >= text.Length || text[at] != '"')
        {
            throw Broken();
        }

        var plain = new List<byte>();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                at++;
                return [.. plain];
            }

            at += text[at] == '\\' && at + 1 < text.Length ? 1 : 0;
            plain.Add(text[at]);
        }

        throw Broken();
    }

    private readonly RowException Broken() => new("value_unreadable", $"a value of column \"{column}\" is no hstore in text form");
}
