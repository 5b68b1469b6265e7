namespace Puff.Engine.Formats;

/// <summary>
/// What a manifest knows about one immutable segment. Its objects are <c>{KeyBase}.{part name}</c>; KeyBase begins with the path of the namespace that
/// wrote them, which for a branch is the parent's.
/// </summary>
internal sealed record SegmentDescriptor
{
    /// <summary>"{root}/ns/{namespace}/seg/{id}".</summary>
    public required string KeyBase { get; init; }

    /// <summary>Documents numbered 0 .. Documents-1, deleted ones included.</summary>
    public required int Documents { get; init; }

    /// <summary>Logical bytes of the documents when written (turbopuffer-api 4.9 counting).</summary>
    public required long LogicalBytes { get; init; }

    /// <summary>Parts in the order they were written: name and size in bytes.</summary>
    public required IReadOnlyList<SegmentPart> Parts { get; init; }

    /// <summary>Version n of the deletion bitmap object <c>{DeletesKey}</c>; 0 when nothing was deleted.</summary>
    public int DeletesVersion { get; init; }

    /// <summary>
    /// Full key of the deletion bitmap; null when <see cref="DeletesVersion"/> is 0. Not derived from KeyBase: a branch deletes from its parent's
    /// segments under its own path.
    /// </summary>
    public string? DeletesKey { get; init; }

    /// <summary>Documents the deletion bitmap marks.</summary>
    public int Deleted { get; init; }

    /// <summary>The attributes with codes, and the tree each is grouped by. An attribute that is not listed is scanned exactly.</summary>
    public IReadOnlyList<SegmentTree> Trees { get; init; } = [];

    /// <summary>The tree an attribute's codes are grouped by, 0 when they are flat, null when there are none.</summary>
    public ulong? FindTree(int attribute)
    {
        foreach (var tree in Trees)
        {
            if (tree.Attribute == attribute)
            {
                return tree.TreeId;
            }
        }

        return null;
    }

    public long TotalBytes => (long)Parts.Aggregate(UInt128.Zero, (sum, p) => sum + (ulong)p.Bytes);

    /// <summary>The live documents' share of a number of bytes. 128 bits, because many documents times many bytes do not fit 64.</summary>
    public UInt128 Live(long bytes) => (UInt128)bytes * (ulong)(Documents - Deleted) / (ulong)Math.Max(Documents, 1);

    /// <summary>Every object the descriptor refers to.</summary>
    public IEnumerable<string> AllKeys() => Parts.Select(p => KeyOf(p.Name)).Concat(DeletesKey is null ? [] : [DeletesKey]);

    public string KeyOf(string partName) => $"{KeyBase}.{partName}";
}

internal readonly record struct SegmentPart(string Name, long Bytes);
