using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// The state of a namespace up to <see cref="IndexedThrough"/> and where everything lies: the content of `current`, the only mutable object. Immutable in
/// memory;
/// every publication writes a new one by compare-and-set.
/// </summary>
internal sealed record Manifest
{
    /// <summary>Names one life of the namespace; a re-creation takes a new one. Random, so that it never comes twice.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Counts publications of this epoch.</summary>
    public long Version { get; init; }

    /// <summary>Drawn anew for each publication: settles a compare-and-set whose reply was lost.</summary>
    public UInt128 PublishId { get; init; }

    /// <summary>A deletion was indexed: the namespace does not exist, whatever else stands here.</summary>
    public bool Deleted { get; init; }

    /// <summary>A branch or copy exists with its manifest; an ordinary namespace begins with its first WAL entry.</summary>
    public bool BornLive { get; init; }

    public long CreatedAtMs { get; init; }

    public long LastWriteAtMs { get; init; }

    public long UpdatedAtMs { get; init; }

    public NamespaceSchema Schema { get; init; } = NamespaceSchema.Empty;

    public NamespaceOptions Options { get; init; } = new();

    /// <summary>Tokens as of entry <see cref="IndexedThrough"/>, in ascending order of names.</summary>
    public IReadOnlyList<NamespaceToken> Tokens { get; init; } = [];

    /// <summary>
    /// Of a restored namespace: the epochs whose entries among <see cref="InheritedTails"/> bring their tokens along. None in branches, which nobody feeds yet.
    /// </summary>
    public IReadOnlyList<ulong> TokenEpochs { get; init; } = [];

    /// <summary>Parent of a branch.</summary>
    public string? Parent { get; init; }

    /// <summary>WAL entries 1 .. this are in the segments.</summary>
    public long IndexedThrough { get; init; }

    /// <summary>When entry <see cref="IndexedThrough"/> was committed; before the first, when the epoch began. Never goes back in a log.</summary>
    public long IndexedAtMs { get; init; }

    /// <summary>Bytes of the log entries indexed in this epoch.</summary>
    public long IndexedBytes { get; init; }

    /// <summary>The newest manifest kept for restoring; it names the one before, and so on. Null when none was.</summary>
    public HistoryLink? History { get; init; }

    /// <summary>In a namespace that was copied from another store: the last log entry of the source that came with it. Later ones are its own.</summary>
    public long? CopiedThrough { get; init; }

    /// <summary>WAL entries of parents that a branch has not indexed yet, oldest first.</summary>
    public IReadOnlyList<InheritedTail> InheritedTails { get; init; } = [];

    public IReadOnlyList<SegmentDescriptor> Segments { get; init; } = [];

    /// <summary>The cluster trees that segments name.</summary>
    public IReadOnlyList<TreeDescriptor> Trees { get; init; } = [];

    /// <summary>Objects no longer referenced, kept until grace has passed for the sake of slower nodes.</summary>
    public IReadOnlyList<RetiredObject> Retired { get; init; } = [];

    /// <summary>When which part of the WAL was given up; an entry may be deleted grace after.</summary>
    public IReadOnlyList<TrimMark> Trims { get; init; } = [];

    /// <summary>Pins this namespace holds at others.</summary>
    public IReadOnlyList<string> PinsHeld { get; init; } = [];

    /// <summary>
    /// The same manifest with a time for everything it was the first to give up. A publication may land long after it was sent, so whoever makes a manifest
    /// cannot say when it will be published; whoever has read it knows a time by which it was.
    /// </summary>
    /// <param name="publishedByMs">That time.</param>
    /// <param name="grace">Times closer together than a small part of it are not told apart.</param>
    public Manifest Dated(long publishedByMs, TimeSpan grace) => this with
    {
        Retired = RetiredObjects.Dated(Retired, publishedByMs, grace),
        Trims = TrimMark.Dated(Trims, publishedByMs, grace),
    };

    /// <summary>The same with more given up: whole segments, and single objects.</summary>
    public Manifest Retiring(IEnumerable<SegmentDescriptor> segments, IEnumerable<string> keys) => this with
    {
        Retired = RetiredObjects.Add(Retired, segments, keys),
    };

    /// <summary>The same without the trees that no segment names; their objects are given up.</summary>
    public Manifest WithoutUnusedTrees()
    {
        var named = Segments.SelectMany(s => s.Trees).Select(t => t.TreeId).ToHashSet();
        var unused = Trees.Where(t => !named.Contains(t.Id)).ToArray();
        return unused.Length == 0 ? this : (this with { Trees = Trees.Except(unused).ToArray() }).Retiring([], KeysOf(unused));
    }

    /// <summary>Every object that segments and trees consist of.</summary>
    public IEnumerable<string> ObjectKeys() => Segments.SelectMany(s => s.AllKeys()).Concat(KeysOf(Trees));

    public static IEnumerable<string> KeysOf(IEnumerable<TreeDescriptor> trees) => trees.SelectMany(t => t.Parts).Select(p => p.Key);

    /// <summary>Highest slot a writer must not claim any more.</summary>
    public long TrimmedThrough => IndexedThrough;

    public long LiveDocuments => Segments.Sum(s => (long)s.Documents - s.Deleted);

    public long LogicalBytes => (long)Segments.Aggregate(UInt128.Zero, (sum, s) => sum + s.Live(s.LogicalBytes));
}
