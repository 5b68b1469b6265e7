using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Puff.Sync.Transforms;

/// <summary>Identifies an embedding: SHA-256 over provider, model, dimensions, version of the template language and the final text, as 64 hex digits.</summary>
internal readonly record struct EmbeddingKey(string Hex)
{
    private const string TemplateVersion = "1";
    private const int ShortLength = 16;

    /// <summary>What `_sync_embed` holds.</summary>
    public string Short => Hex[..ShortLength];

    public static EmbeddingKey Of(string provider, string model, int? dimensions, string text)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (string part in (ReadOnlySpan<string>)[provider, model, dimensions?.ToString(CultureInfo.InvariantCulture) ?? "", TemplateVersion, text])
        {
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return new EmbeddingKey(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
