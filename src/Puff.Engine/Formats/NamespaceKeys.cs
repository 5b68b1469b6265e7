using System.Globalization;

namespace Puff.Engine.Formats;

/// <summary>
/// Where the objects of one namespace lie (design: "objects of a namespace"). <see cref="Current"/> is the only mutable object that
/// counts, and <see cref="Opening"/> a copy of parts of others; all others are written once.
/// </summary>
internal sealed class NamespaceKeys
{
    private readonly string root;

    public NamespaceKeys(string root, string name)
    {
        this.root = root;
        Name = name;
        Folder = $"{NamespacesFolder(root)}{EncodeName(name)}/";
    }

    public string Name { get; }

    /// <summary>Prefix of every object of the namespace, with the trailing slash.</summary>
    public string Folder { get; }

    /// <summary>The manifest, changed by compare-and-set only.</summary>
    public string Current => Folder + "current";

    /// <summary>Copies of what opening the namespace takes; written when there is time, replaced at will, never needed.</summary>
    public string Opening => Folder + "open";

    public string WalFolder => Folder + "wal/";

    public string SegmentFolder => Folder + "seg/";

    public string TreeFolder => Folder + "tree/";

    public string PinFolder => Folder + "pin/";

    /// <summary>Manifests kept for restoring. Listed before pins: whoever lists everything sees the pins of those who read what is here.</summary>
    public string HistoryFolder => Folder + "history/";

    public string WalEpochFolder(ulong epoch) => $"{WalFolder}{epoch:x16}/";

    public string WalEntry(ulong epoch, long sequence) => $"{WalEpochFolder(epoch)}{sequence.ToString("D20", CultureInfo.InvariantCulture)}";

    public string SegmentBase(string segmentId) => SegmentFolder + segmentId;

    /// <summary>
    /// An object with nodes of a cluster tree. Chance is in the key because two indexers may add to the same tree at the same time, and only one of them
    /// publishes.
    /// </summary>
    public string TreePart(ulong treeId, int firstNode, ulong chance) =>
        $"{TreeFolder}{treeId:x16}.{firstNode.ToString("D10", CultureInfo.InvariantCulture)}.{chance:x16}";

    /// <summary>A manifest that was replaced and kept.</summary>
    public string History(ulong epoch, long version) => $"{HistoryFolder}{epoch:x16}/{version.ToString("D20", CultureInfo.InvariantCulture)}";

    /// <summary>The pin a branch leaves at each namespace whose objects it still needs.</summary>
    public string Pin(string child, ulong childEpoch) => $"{PinFolder}{EncodeName(child)}.{childEpoch:x16}";

    public NamespaceKeys Of(string name) => new(root, name);

    /// <summary>Whether a key is one of this namespace's immutable objects: those that an indexer writes under fresh names and a manifest refers to.</summary>
    public bool IsIndexObject(string key) =>
        key.StartsWith(SegmentFolder, StringComparison.Ordinal) || key.StartsWith(TreeFolder, StringComparison.Ordinal);

    /// <summary>Epoch and version of a kept manifest's key, or null for anything else.</summary>
    public (ulong Epoch, long Version)? ParseHistory(string key) => ParseNumbered(HistoryFolder, key);

    /// <summary>Child and child's epoch of a pin in this namespace, or null for any other key.</summary>
    public (string Child, ulong Epoch)? ParsePin(string key)
    {
        string rest = key.StartsWith(PinFolder, StringComparison.Ordinal) ? key[PinFolder.Length..] : "";
        int dot = rest.LastIndexOf('.');
        return dot > 0 && rest.Length - dot == 17 && IsName(DecodeName(rest[..dot]))
            && ulong.TryParse(rest[(dot + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong epoch)
            ? (DecodeName(rest[..dot]), epoch)
            : null;
    }

    public static string NamespacesFolder(string root) => root.Length == 0 ? "ns/" : root + "/ns/";

    /// <summary>The namespace that owns a key, or null when the key is not a namespace's.</summary>
    public static string? OwnerOf(string root, string key)
    {
        string folder = NamespacesFolder(root);
        int end = key.StartsWith(folder, StringComparison.Ordinal) ? key.IndexOf('/', folder.Length) : -1;
        return end < 0 ? null : DecodeName(key[folder.Length..end]);
    }

    /// <summary>Epoch and sequence of a WAL key of this namespace, or null for anything else.</summary>
    public (ulong Epoch, long Sequence)? ParseWalEntry(string key) => ParseNumbered(WalFolder, key);

    /// <summary>The two numbers of "{folder}{16 hex digits}/{20 digits}".</summary>
    private static (ulong Epoch, long Number)? ParseNumbered(string folder, string key)
    {
        string rest = key.StartsWith(folder, StringComparison.Ordinal) ? key[folder.Length..] : "";
        return rest.Length == 16 + 1 + 20 && rest[16] == '/'
            && ulong.TryParse(rest[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong epoch)
            && long.TryParse(rest[17..], NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? (epoch, number)
            : null;
    }

    /// <summary>`.` and `..` are legal namespace names but not legal key parts; '%' occurs in no name.</summary>
    public static string EncodeName(string name) => name is "." or ".." ? name.Replace(".", "%2E", StringComparison.Ordinal) : name;

    public static string DecodeName(string part) => part.Replace("%2E", ".", StringComparison.Ordinal);

    /// <summary>`[A-Za-z0-9-_.]{1,128}` (turbopuffer-api 2.1).</summary>
    public static void CheckName(string name)
    {
        if (!IsName(name))
        {
            throw PuffException.Invalid(
                $"namespace name \"{(name.Length <= 140 ? name : name[..140] + "…")}\" must have 1 to 128 characters of A-Z a-z 0-9 - _ .");
        }
    }

    public static bool IsName(string name) => name.Length is >= 1 and <= 128 && name.AsSpan().IndexOfAnyExcept(NameCharacters) < 0;

    /// <summary>Whether a key has the form that <see cref="Pin"/> gives.</summary>
    public static bool IsPin(string key) => key.Split('/') is [.., not "", "pin", not ""];

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
}
