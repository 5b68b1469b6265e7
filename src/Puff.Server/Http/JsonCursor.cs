using System.Buffers;
using System.Text.Json;
using Puff.Engine;

namespace Puff.Server.Http;

/// <summary>
/// A forward reader over one whole request body that is known to be valid UTF-8. It adds three things to <see cref="Utf8JsonReader"/>: errors in the
/// dialect of the wire, positions in the whole body, and jumping over an array of numbers that a faster parser has taken.
/// </summary>
internal ref struct JsonCursor
{
    /// <summary>Deeper than the deepest filter that is accepted (two JSON levels for each of its 64), and shallow enough for recursive descent.</summary>
    public const int MaxDepth = 256;

    private readonly ReadOnlySpan<byte> body;
    private Utf8JsonReader reader;
    private int origin;

    public JsonCursor(ReadOnlySpan<byte> body, int start = 0)
    {
        this.body = body;
        origin = start;
        reader = new Utf8JsonReader(body[start..], isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = MaxDepth }));
    }

    public readonly JsonTokenType Token => reader.TokenType;

    /// <summary>Position of the current token in the body.</summary>
    public readonly int Offset => origin + (int)reader.TokenStartIndex;

    /// <summary>The body from the current token on.</summary>
    public readonly ReadOnlySpan<byte> Rest => body[Offset..];

    /// <summary>The digits of a number.</summary>
    public readonly ReadOnlySpan<byte> RawNumber => reader.ValueSpan;

    /// <summary>The string or property name as it stands in the body, unless it has escapes: then use <see cref="CopyText"/>.</summary>
    public readonly ReadOnlySpan<byte> RawText => reader.ValueSpan;

    public readonly bool IsEscaped => reader.ValueIsEscaped;

    public readonly bool IsNull => reader.TokenType == JsonTokenType.Null;

    public void Read()
    {
        if (!reader.Read())
        {
            throw PuffException.Invalid("malformed JSON: the body ends early");
        }
    }

    /// <summary>Nothing but white space may follow the value.</summary>
    public void ReadEnd()
    {
        // The reader itself throws when something follows.
        reader.Read();
    }

    /// <summary>Inside an object: moves to the next property name; false at the end of the object.</summary>
    public bool ReadName()
    {
        Read();
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Inside an array: moves to the next element; false at the end of the array.</summary>
    public bool ReadElement()
    {
        Read();
        return reader.TokenType != JsonTokenType.EndArray;
    }

    /// <summary>Moves to the last token of the current value.</summary>
    public void Skip() => reader.Skip();

    /// <summary>
    /// At the start of an array whose elements a number parser took: moves to its end. The reader then sees an empty array, so its own state stays right.
    /// </summary>
    /// <param name="closingBracket">Distance of the array's `]` from its `[`.</param>
    public void JumpToEndOfArray(int closingBracket)
    {
        int target = Offset + closingBracket;
        reader = new Utf8JsonReader(body[target..], isFinalBlock: true, reader.CurrentState);
        origin = target;
        Read();
    }

    /// <summary>A second cursor on the value that begins at an offset of the same body.</summary>
    public readonly JsonCursor At(int offset)
    {
        var cursor = new JsonCursor(body, offset);
        cursor.Read();
        return cursor;
    }

    public readonly bool TryGetInt64(out long value) => reader.TryGetInt64(out value);

    public readonly bool TryGetUInt64(out ulong value) => reader.TryGetUInt64(out value);

    public readonly double GetDouble(string field)
    {
        if (!reader.TryGetDouble(out double value) || !double.IsFinite(value))
        {
            throw PuffException.Invalid($"{field}: the number at byte {Offset} is out of range");
        }

        return value;
    }

    public readonly float GetSingle(string field)
    {
        if (!reader.TryGetSingle(out float value) || !float.IsFinite(value))
        {
            throw PuffException.Invalid($"{field}: the number at byte {Offset} is out of the range of a 32-bit float");
        }

        return value;
    }

    public readonly string GetText()
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw LoneSurrogate();
        }
    }

    public readonly byte[] GetUtf8()
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan.ToArray();
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            return rented.AsSpan(0, CopyText(rented)).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Writes the unescaped text; it is never longer than <see cref="RawText"/>.</summary>
    public readonly int CopyText(Span<byte> destination)
    {
        try
        {
            return reader.CopyString(destination);
        }
        catch (InvalidOperationException)
        {
            throw LoneSurrogate();
        }
    }

    private readonly PuffException LoneSurrogate() => PuffException.Invalid($"malformed JSON: the string at byte {Offset} has half of a surrogate pair");
}
