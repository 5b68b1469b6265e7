using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Puff.Transfer;

/// <summary>Rows to import, as JSON objects with an `id`, in the order of the source.</summary>
internal interface IRowSource : IDisposable
{
    /// <summary>The next row as UTF-8 JSON, or null at the end.</summary>
    /// <exception cref="CommandException">The row cannot be read; the message names its line.</exception>
    ReadOnlyMemory<byte>? Read();

    /// <summary>Share of the source read, 0..1; null when its length is unknown.</summary>
    double? Fraction { get; }

    /// <summary>Attribute types the source knows better than inference would (CSV: columns with decimals), as schema entries; empty for none.</summary>
    IReadOnlyDictionary<string, string> Types { get; }
}

/// <summary>The bytes of a file or of standard input, unpacked if they are gzip.</summary>
internal sealed class SourceStream : IDisposable
{
    private readonly Stream packed;

    private SourceStream(Stream packed, Stream content, long? length)
    {
        this.packed = packed;
        Content = content;
        Length = length;
    }

    public Stream Content { get; }

    private long? Length { get; }

    public double? Fraction => Length is > 0 and var length ? Math.Min(1, (double)packed.Position / length) : null;

    public static SourceStream Open(string path)
    {
        if (path == "-")
        {
            var input = new BufferedStream(Console.OpenStandardInput(), 1 << 16);
            return new SourceStream(input, input, null);
        }

        FileStream file = File.OpenRead(path);
        bool isGzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return new SourceStream(file, isGzip ? new GZipStream(file, CompressionMode.Decompress) : file, file.Length);
    }

    public void Dispose()
    {
        Content.Dispose();
        packed.Dispose();
    }
}

/// <summary>One JSON object a line. Lines pass through as they are, unless the id has another name.</summary>
internal sealed class NdjsonSource(SourceStream stream, string? idField) : IRowSource
{
    private readonly StreamReader reader = new(stream.Content, new UTF8Encoding(false, throwOnInvalidBytes: true), true, 1 << 16);
    private long line;

    public double? Fraction => stream.Fraction;

    public IReadOnlyDictionary<string, string> Types { get; } = new Dictionary<string, string>();

    public ReadOnlyMemory<byte>? Read()
    {
        while (ReadLine() is { } text)
        {
            if (!string.IsNullOrWhiteSpace(text))
            {
                return Check(text);
            }
        }

        return null;
    }

    public void Dispose()
    {
        reader.Dispose();
        stream.Dispose();
    }

    private string? ReadLine()
    {
        line++;
        try
        {
            return reader.ReadLine();
        }
        catch (Exception error) when (error is InvalidDataException or DecoderFallbackException)
        {
            throw new CommandException(ExitCode.Failed, $"line {line}: {error.Message}");
        }
    }

    private byte[] Check(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new CommandException(ExitCode.Failed, $"line {line}: each line must be a JSON object");
            }

            string field = idField ?? "id";
            if (!document.RootElement.TryGetProperty(field, out _))
            {
                throw new CommandException(ExitCode.Failed, $"line {line}: the object has no '{field}'; name the field that holds the id with --id");
            }

            return field == "id" ? System.Text.Encoding.UTF8.GetBytes(text) : Rename(document.RootElement, field);
        }
        catch (JsonException error)
        {
            throw new CommandException(ExitCode.Failed, $"line {line}: {error.Message}");
        }
    }

    // The named field becomes the id; an attribute that was called id would be in its way and is left out.
    private static byte[] Rename(JsonElement row, string field)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in row.EnumerateObject().Where(property => property.Name != "id"))
            {
                writer.WritePropertyName(property.Name == field ? "id" : property.Name);
                writer.WriteRawValue(property.Value.GetRawText(), skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
