using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Puff.Engine;

namespace Puff.Server.Security;

/// <summary>
/// Decides who a request comes from. Without keys everybody who sends some bearer token is an administrator; the server then listens on loopback only.
/// </summary>
internal sealed class KeyRing(IReadOnlyList<ApiKey> keys)
{
    private const string Scheme = "Bearer ";

    public bool IsOpen => keys.Count == 0;

    /// <exception cref="PuffException">Unauthenticated, or Forbidden when the key's role does not reach.</exception>
    public void Check(StringValues authorization, ApiKeyRole needed)
    {
        string header = authorization.ToString();
        if (header.Length == 0)
        {
            throw Unauthenticated("no API key: send the header \"Authorization: Bearer <key>\"");
        }

        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || string.IsNullOrWhiteSpace(header[Scheme.Length..]))
        {
            throw Unauthenticated("the Authorization header must read \"Bearer <key>\"");
        }

        if (IsOpen)
        {
            return;
        }

        var role = Find(header[Scheme.Length..].Trim()) ?? throw Unauthenticated("unknown API key");
        if (role < needed)
        {
            throw new PuffException(ErrorKind.Forbidden, $"this API key is for {Text(role)} only; the request needs one for {Text(needed)}");
        }
    }

    private ApiKeyRole? Find(string secret)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(secret), hash);
        ApiKeyRole? found = null;
        foreach (var key in keys)
        {
            // Every key is compared, and in constant time, so that timing tells nothing about which one was close.
            if (CryptographicOperations.FixedTimeEquals(hash, key.Hash))
            {
                found = key.Role;
            }
        }

        return found;
    }

    private static string Text(ApiKeyRole role) => role switch
    {
        ApiKeyRole.Read => "reading",
        ApiKeyRole.Write => "writing",
        _ => "administration",
    };

    private static PuffException Unauthenticated(string message) => new(ErrorKind.Unauthenticated, message);
}
