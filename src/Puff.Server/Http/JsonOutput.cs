using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Puff.Server.Http;

/// <summary>
/// Writes one JSON text into a pooled buffer. Text stays UTF-8: only quotes, backslashes and control characters are escaped. Numbers are exact: integers in
/// all 64 bits, floats in the shortest form that reads back to the same value.
/// </summary>
internal sealed class JsonOutput : IBufferWriter<byte>, IDisposable
{
    /// <summary>The longest number: a double in exponent form.</summary>
    private const int MaxNumberBytes = 32;

    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(4_096);
    private int length;
    private bool needsComma;

    public ReadOnlyMemory<byte> Written => buffer.AsMemory(0, length);

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        length = 0;
    }

    public void BeginObject() => Open((byte)'{');

    public void EndObject() => Close((byte)'}');

    public void BeginArray() => Open((byte)'[');

    public void EndArray() => Close((byte)']');

    /// <param name="name">Plain text that needs no escaping.</param>
    public void Name(ReadOnlySpan<byte> name)
    {
        Separate();
        Reserve(name.Length + 3);
        buffer[length++] = (byte)'"';
        Append(name);
        buffer[length++] = (byte)'"';
        buffer[length++] = (byte)':';
        needsComma = false;
    }

    public void Name(string name)
    {
        Text(name);
        Reserve(1);
        buffer[length++] = (byte)':';
        needsComma = false;
    }

    public void Null() => Literal("null"u8);

    public void Bool(bool value) => Literal(value ? "true"u8 : "false"u8);

    public void Number(long value)
    {
        BeginNumber();
        value.TryFormat(buffer.AsSpan(length), out int written, default, CultureInfo.InvariantCulture);
        length += written;
    }

    public void Number(ulong value)
    {
        BeginNumber();
        value.TryFormat(buffer.AsSpan(length), out int written, default, CultureInfo.InvariantCulture);
        length += written;
    }

    /// <summary>Whole numbers are written without a decimal point; what JSON cannot say (NaN, infinities) is null.</summary>
    public void Number(float value)
    {
        if (!float.IsFinite(value))
        {
            Null();
            return;
        }

        BeginNumber();
        value.TryFormat(buffer.AsSpan(length), out int written, default, CultureInfo.InvariantCulture);
        length += written;
    }

    /// <summary>Always recognisable as a float: whole numbers get ".0".</summary>
    public void Number(double value)
    {
        if (!double.IsFinite(value))
        {
            Null();
            return;
        }

        BeginNumber();
        value.TryFormat(buffer.AsSpan(length), out int written, default, CultureInfo.InvariantCulture);
        bool looksLikeInteger = buffer.AsSpan(length, written).IndexOfAny((byte)'.', (byte)'E') < 0;
        length += written;
        if (looksLikeInteger)
        {
            Reserve(2);
            Append(".0"u8);
        }
    }

    /// <summary>A value that somebody else formats: the caller appends exactly one JSON value next.</summary>
    public IBufferWriter<byte> BeginRaw()
    {
        Separate();
        needsComma = true;
        return this;
    }

    public void Advance(int count) => length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return buffer.AsMemory(length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Text(string text)
    {
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        Text(utf8.AsSpan(0, Encoding.UTF8.GetBytes(text, utf8)));
        ArrayPool<byte>.Shared.Return(utf8);
    }

    public void Text(ReadOnlySpan<byte> utf8)
    {
        Separate();
        Reserve(utf8.Length + 2);
        buffer[length++] = (byte)'"';
        while (true)
        {
            int plain = utf8.IndexOfAny(Escaped);
            if (plain < 0)
            {
                break;
            }

            Reserve(utf8.Length + 8);
            Append(utf8[..plain]);
            AppendEscape(utf8[plain]);
            utf8 = utf8[(plain + 1)..];
        }

        Reserve(utf8.Length + 1);
        Append(utf8);
        buffer[length++] = (byte)'"';
        needsComma = true;
    }

    /// <summary>The bytes as a base64 string.</summary>
    public void Base64Text(ReadOnlySpan<byte> bytes)
    {
        Separate();
        Reserve(Base64.GetMaxEncodedToUtf8Length(bytes.Length) + 2);
        buffer[length++] = (byte)'"';
        Base64.EncodeToUtf8(bytes, buffer.AsSpan(length), out _, out int written);
        length += written;
        buffer[length++] = (byte)'"';
        needsComma = true;
    }

    private void Open(byte bracket)
    {
        Separate();
        Reserve(1);
        buffer[length++] = bracket;
        needsComma = false;
    }

    private void Close(byte bracket)
    {
        Reserve(1);
        buffer[length++] = bracket;
        needsComma = true;
    }

    private void BeginNumber()
    {
        Separate();
        Reserve(MaxNumberBytes);
        needsComma = true;
    }

    private void Literal(ReadOnlySpan<byte> text)
    {
        Separate();
        Reserve(text.Length);
        Append(text);
        needsComma = true;
    }

    private void Separate()
    {
        if (needsComma)
        {
            Reserve(1);
            buffer[length++] = (byte)',';
        }
    }

    private void AppendEscape(byte value)
    {
        switch (value)
        {
            case (byte)'"':
                Append("\\\""u8);
                break;
            case (byte)'\\':
                Append("\\\\"u8);
                break;
            case (byte)'\n':
                Append("\\n"u8);
                break;
            case (byte)'\r':
                Append("\\r"u8);
                break;
            case (byte)'\t':
                Append("\\t"u8);
                break;
            default:
                Append("\\u00"u8);
                buffer[length++] = (byte)('0' + (value >> 4));
                buffer[length++] = "0123456789abcdef"u8[value & 15];
                break;
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(buffer.AsSpan(length));
        length += bytes.Length;
    }

    private void Reserve(int count)
    {
        if (buffer.Length - length >= count)
        {
            return;
        }

        // Doubling in 64 bits, so that a text near the array limit fails as out of memory and not by overflow.
        long wanted = Math.Max((long)buffer.Length * 2, (long)length + count);
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, Array.MaxLength));
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
