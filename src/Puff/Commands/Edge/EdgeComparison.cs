using System.Security.Cryptography;

namespace Puff.Commands.Edge;

/// <summary>Comparing values one after another, as the services do: an answer as soon as it is known.</summary>
internal static class EdgeComparison
{
    public static bool Run<TKey>(IEnumerable<TKey> keys, bool wantsEqual, Func<TKey, byte[]> valueOf)
    {
        var seen = new HashSet<string>();
        foreach (TKey key in keys)
        {
            bool isNew = seen.Add(Convert.ToHexString(SHA256.HashData(valueOf(key))));
            if (wantsEqual ? seen.Count > 1 : !isNew)
            {
                return false;
            }
        }

        return true;
    }
}
