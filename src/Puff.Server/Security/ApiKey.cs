using System.Security.Cryptography;
using System.Text;

namespace Puff.Server.Security;

/// <summary>What a key allows; each role includes the ones before it.</summary>
public enum ApiKeyRole
{
    /// <summary>Queries, metadata, lists.</summary>
    Read,

    /// <summary>Also writes, schema changes, deletes.</summary>
    Write,

    /// <summary>Also what concerns the server as a whole.</summary>
    Admin,
}

/// <summary>A key that clients may present as a bearer token. Only its SHA-256 is kept.</summary>
public sealed class ApiKey
{
    private readonly byte[] hash;

    private ApiKey(byte[] hash, ApiKeyRole role)
    {
        this.hash = hash;
        Role = role;
    }

    public ApiKeyRole Role { get; }

    internal ReadOnlySpan<byte> Hash => hash;

    /// <exception cref="ArgumentException">The secret is empty: clients refuse to send such a key.</exception>
    public static ApiKey FromSecret(string secret, ApiKeyRole role)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        return new ApiKey(SHA256.HashData(Encoding.UTF8.GetBytes(secret)), role);
    }
}
