using System.Globalization;
using System.Text;

namespace Puff.Engine.Storage;

/// <summary>
/// How keys become paths. Objects are files named *.obj, key parts before the last are folders: so that keys "a" and "a/b" can live side by side,
/// and a stray file is never taken for an object. Bytes other than ASCII letters, digits, '-', '_' and '.' are percent-encoded, and so is a leading '.':
/// a part can be neither "..", nor one of the store's own hidden folders. A folder's name that would end in ".obj" has that dot encoded.
/// </summary>
internal static class FileNames
{
    public const string ObjectSuffix = ".obj";

    private const int MaxNameBytes = 255;

    /// <summary>
    /// The path of a legal key's file, relative to the store. Throws <see cref="ArgumentException"/> when a part is too long for a file system.
    /// </summary>
    public static string ToPath(string key)
    {
        var path = new StringBuilder(key.Length + 16);
        string[] parts = key.Split('/');
        for (int i = 0; i < parts.Length; i++)
        {
            int start = path.Length;
            bool isLast = i == parts.Length - 1;
            AppendEncoded(path, parts[i], isFolder: !isLast);
            path.Append(isLast ? ObjectSuffix : "");
            if (path.Length - start > MaxNameBytes)
            {
                throw new ArgumentException(
                    $"object key '{key}' has a part of more than {MaxNameBytes} bytes as a file name; a directory store cannot hold it");
            }

            path.Append(isLast ? "" : "/");
        }

        return path.ToString();
    }

    /// <summary>The folder's name for a key part.</summary>
    public static string ToFolder(string part)
    {
        var name = new StringBuilder(part.Length);
        AppendEncoded(name, part, isFolder: true);
        return name.ToString();
    }

    /// <summary>The key part that a directory entry stands for, or null when it is not one of ours.</summary>
    public static string? ToPart(string name, bool isFolder)
    {
        if (!isFolder && !name.EndsWith(ObjectSuffix, StringComparison.Ordinal))
        {
            return null;
        }

        string encoded = isFolder ? name : name[..^ObjectSuffix.Length];
        string? part = Decode(encoded);
        if (string.IsNullOrEmpty(part))
        {
            return null;
        }

        // Only the one spelling that writing would choose is ours; any other would name an object that no read can find.
        var again = new StringBuilder(name.Length);
        AppendEncoded(again, part, isFolder);
        return again.Equals(encoded) ? part : null;
    }

    private static void AppendEncoded(StringBuilder path, string part, bool isFolder)
    {
        int encodedDot = isFolder && part.EndsWith(ObjectSuffix, StringComparison.Ordinal) ? part.Length - ObjectSuffix.Length : 0;
        Span<byte> bytes = stackalloc byte[4];
        for (int i = 0; i < part.Length; i++)
        {
            char c = part[i];
            if (IsSafe(c) && !(c == '.' && (i == 0 || i == encodedDot)))
            {
                path.Append(c);
                continue;
            }

            Rune.DecodeFromUtf16(part.AsSpan(i), out var rune, out int consumed);
            foreach (byte b in bytes[..rune.EncodeToUtf8(bytes)])
            {
                path.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }

            i += consumed - 1;
        }
    }

    private static bool IsSafe(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    private static string? Decode(string encoded)
    {
        if (!encoded.Contains('%'))
        {
            return encoded;
        }

        var bytes = new byte[encoded.Length];
        int count = 0;
        for (int i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] != '%')
            {
                bytes[count++] = (byte)encoded[i];
            }
            else if (byte.TryParse(encoded.AsSpan(i + 1, Math.Min(2, encoded.Length - i - 1)), NumberStyles.AllowHexSpecifier, null, out byte value))
            {
                bytes[count++] = value;
                i += 2;
            }
            else
            {
                return null;
            }
        }

        return System.Text.Encoding.UTF8.GetString(bytes, 0, count);
    }
}
