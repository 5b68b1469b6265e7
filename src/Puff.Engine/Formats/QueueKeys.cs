using System.Globalization;

namespace Puff.Engine.Formats;

/// <summary>Where nodes of one store leave word for each other: hints and leases, nothing that would be missed.</summary>
internal static class QueueKeys
{
    public const int Shards = 16;

    /// <summary>Prefix of the queue's shards.</summary>
    public static string Folder(string root) => root.Length == 0 ? "queue/" : root + "/queue/";

    public static string Shard(string root, int shard) => Folder(root) + shard.ToString("x1", CultureInfo.InvariantCulture);

    /// <summary>Which shard a key is, or null when it is none.</summary>
    public static int? ParseShard(string root, string key)
    {
        string folder = Folder(root);
        return key.Length == folder.Length + 1 && key.StartsWith(folder, StringComparison.Ordinal)
            && int.TryParse(key.AsSpan(folder.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int shard) && shard < Shards
            ? shard
            : null;
    }

    /// <summary>The lease of the one node that collects.</summary>
    public static string CollectorLease(string root) => root.Length == 0 ? "lease/collector" : root + "/lease/collector";

    /// <summary>FNV-1a over the name: every node must come to the same shard.</summary>
    public static int ShardOf(string name)
    {
        uint hash = 2166136261;
        foreach (char letter in name)
        {
            hash = (hash ^ letter) * 16777619;
        }

        return (int)((hash ^ (hash >> 16)) % Shards);
    }
}
