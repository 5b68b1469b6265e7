using System.Security.Cryptography;
using System.Text;
using Puff.Edge.Transport;

namespace Puff.Edge.Security;

internal enum TokenRight { None, Read, Write }

/// <summary>Who may call: bearer tokens from a file, one a line, with "read-only" after those that may not write; # begins a comment.</summary>
internal sealed class TokenFile
{
    private readonly WatchedFile<IReadOnlyList<(byte[] Hash, TokenRight Right)>> tokens;

    public TokenFile(string path, TimeProvider time) =>
        tokens = new WatchedFile<IReadOnlyList<(byte[], TokenRight)>>(() => Read(path), time, path);

    /// <param name="authorization">The header of a call: "Bearer TOKEN".</param>
    public TokenRight RightOf(string? authorization)
    {
        const string Scheme = "Bearer ";
        if (authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) != true)
        {
            return TokenRight.None;
        }

        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..].Trim()));
        TokenRight right = TokenRight.None;
        // All of them are compared, in constant time: how long it takes tells nothing.
        foreach (var token in tokens.Current)
        {
            right = CryptographicOperations.FixedTimeEquals(hash, token.Hash) ? token.Right : right;
        }

        return right;
    }

    private static List<(byte[], TokenRight)> Read(string path)
    {
        var found = new List<(byte[], TokenRight)>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            string[] words = line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0)
            {
                continue;
            }

            if (words.Length > 2 || (words.Length == 2 && words[1] != "read-only"))
            {
                throw EdgeException.Invalid($"{path}:{number}: a line is a token, with \"read-only\" after one that may not write");
            }

            found.Add((SHA256.HashData(Encoding.UTF8.GetBytes(words[0])), words.Length == 2 ? TokenRight.Read : TokenRight.Write));
        }

        return found.Count > 0 ? found : throw EdgeException.Invalid($"{path} holds no token: nobody could call");
    }
}
