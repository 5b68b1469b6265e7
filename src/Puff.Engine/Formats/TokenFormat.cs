using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>Tokens in log entries and manifests: a list in ascending order of names (docs/formats/wal-entry.md).</summary>
internal static class TokenFormat
{
    public static void Write(ByteWriter writer, IReadOnlyList<NamespaceToken> tokens)
    {
        writer.Varint((ulong)tokens.Count);
        foreach (var token in tokens)
        {
            writer.Text(token.Name);
            writer.Text(token.Position);
            writer.Byte(token.Payload is null ? (byte)0 : (byte)1);
            if (token.Payload is not null)
            {
                writer.Text(token.Payload);
            }
        }
    }

    /// <summary>Reads a list that fills the region.</summary>
    public static NamespaceToken[] Read(MemoryRegion content)
    {
        var reader = new ByteReader(content.AsSpan());
        var tokens = Read(ref reader);
        reader.ExpectEnd();
        return tokens;
    }

    /// <exception cref="CorruptDataException">Too many, or names that do not ascend.</exception>
    public static NamespaceToken[] Read(ref ByteReader reader)
    {
        int count = reader.Count(3);
        if (count > NamespaceToken.MaxTokens)
        {
            throw new CorruptDataException($"{count} tokens, the limit is {NamespaceToken.MaxTokens}");
        }

        var tokens = new NamespaceToken[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = new NamespaceToken(reader.Text(), reader.Text(), reader.Boolean() ? reader.Text() : null);
            if (i > 0 && string.CompareOrdinal(tokens[i - 1].Name, tokens[i].Name) >= 0)
            {
                throw new CorruptDataException($"token \"{tokens[i].Name}\" does not come after \"{tokens[i - 1].Name}\"");
            }
        }

        return tokens;
    }

    /// <summary>The tokens after some of them were replaced or added, in order.</summary>
    public static NamespaceToken[] Merge(IReadOnlyList<NamespaceToken> tokens, IReadOnlyList<NamespaceToken> changed)
    {
        var merged = new SortedDictionary<string, NamespaceToken>(StringComparer.Ordinal);
        foreach (var token in tokens.Concat(changed))
        {
            merged[token.Name] = token;
        }

        return [.. merged.Values];
    }
}
