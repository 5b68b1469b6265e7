using System.Text;

namespace Puff.Sync.Toml;

/// <summary>Reads TOML 1.0 (https://toml.io/en/v1.0.0), all of it, and says of what it refuses the line and the reason.</summary>
public static class TomlReader
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file's bytes, which must be UTF-8.</summary>
    /// <exception cref="TomlException">The bytes are not a TOML document.</exception>
    public static TomlTable Read(ReadOnlySpan<byte> utf8, string path)
    {
        try
        {
            return Read(Strict.GetString(utf8), path);
        }
        catch (DecoderFallbackException)
        {
            throw new TomlException(path, LineOfBadByte(utf8), "the file is not UTF-8");
        }
    }

    /// <exception cref="TomlException">The text is not a TOML document.</exception>
    public static TomlTable Read(string text, string path) => new TomlDocumentReader(new TomlCursor(text, path)).Read();

    private static int LineOfBadByte(ReadOnlySpan<byte> utf8)
    {
        int line = 1;
        while (!utf8.IsEmpty && Rune.DecodeFromUtf8(utf8, out Rune rune, out int length) == System.Buffers.OperationStatus.Done)
        {
            line += rune.Value == '\n' ? 1 : 0;
            utf8 = utf8[length..];
        }

        return line;
    }
}
