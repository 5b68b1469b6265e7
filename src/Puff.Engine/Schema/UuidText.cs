namespace Puff.Engine.Schema;

/// <summary>UUIDs as text (RFC 9562): lower case with hyphens out; upper case and the form of 32 digits without hyphens are also read.</summary>
public static class UuidText
{
    /// <summary>Bytes of the canonical form.</summary>
    public const int Length = 36;

    private const int UuidBytes = 16;

    /// <param name="utf8">The text.</param>
    /// <param name="uuid">Receives 16 bytes in written order; undefined when the text is no UUID.</param>
    public static bool TryParse(ReadOnlySpan<byte> utf8, Span<byte> uuid)
    {
        bool hyphens = utf8.Length == Length;
        if (!hyphens && utf8.Length != UuidBytes * 2)
        {
            return false;
        }

        int at = 0;
        for (int i = 0; i < UuidBytes; i++)
        {
            if (hyphens && (i is 4 or 6 or 8 or 10) && utf8[at++] != '-')
            {
                return false;
            }

            int value = Digit(utf8[at]) << 4 | Digit(utf8[at + 1]);
            if (value < 0)
            {
                return false;
            }

            uuid[i] = (byte)value;
            at += 2;
        }

        return true;
    }

    /// <summary>Writes <see cref="Length"/> bytes of ASCII.</summary>
    public static void Format(ReadOnlySpan<byte> uuid, Span<byte> utf8)
    {
        int at = 0;
        for (int i = 0; i < UuidBytes; i++)
        {
            if (i is 4 or 6 or 8 or 10)
            {
                utf8[at++] = (byte)'-';
            }

            utf8[at++] = "0123456789abcdef"u8[uuid[i] >> 4];
            utf8[at++] = "0123456789abcdef"u8[uuid[i] & 15];
        }
    }

    public static string Format(ReadOnlySpan<byte> uuid)
    {
        Span<byte> utf8 = stackalloc byte[Length];
        Format(uuid, utf8);
        return System.Text.Encoding.ASCII.GetString(utf8);
    }

    /// <summary>0 to 15, or -1, which keeps the sign of whatever it is combined with by shifts and ors.</summary>
    private static int Digit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
