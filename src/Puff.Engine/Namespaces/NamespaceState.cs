using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Vectors;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// A namespace as this node knows it: the segments of one manifest plus the WAL entries after it, applied in order. Entries are applied by one caller at a
/// time; snapshots may be taken meanwhile from any thread. When a newer manifest is adopted, a new state is built and this one is released.
/// </summary>
internal sealed unsafe class NamespaceState
{
    private readonly Lock gate = new();
    private readonly ResourceSet resources = new();
    private readonly SegmentState[] segments;
    private readonly Tail tail = new();
    private readonly List<WalEntry> entries = [];
    private readonly string name;
    private readonly IReadOnlyList<IndexTree> trees;
    private readonly ReaderEpochs? epochs;
    private readonly Stack<ReadTicket> pins = new();
    private DocumentSet[]? frozen;

    /// <param name="name">The namespace.</param>
    /// <param name="manifest">What the segments belong to.</param>
    /// <param name="readers">One reader a segment of the manifest, in its order; the state takes over a reference on each.</param>
    /// <param name="trees">The trees of the manifest; the state takes over a reference on each.</param>
    public NamespaceState(string name, Manifest manifest, IReadOnlyList<SegmentReader> readers, IReadOnlyList<IndexTree> trees)
    {
        this.name = name;
        this.trees = trees;
        Manifest = manifest;
        Schema = manifest.Schema;
        Options = manifest.Options;
        Tokens = manifest.Tokens;
        Sequence = manifest.IndexedThrough;
        IsLive = !manifest.Deleted && (manifest.BornLive || manifest.IndexedThrough > 0);
        LastWriteAtMs = manifest.LastWriteAtMs;
        UpdatedAtMs = manifest.UpdatedAtMs;
        CommittedAtMs = manifest.IndexedAtMs;
        segments = readers.Select(r => new SegmentState(r, trees)).ToArray();
        epochs = readers.Select(r => r.Readers).FirstOrDefault(r => r is not null);
        foreach (var reader in readers)
        {
            resources.Add(reader.Release);
            reader.AllowEviction();
        }

        foreach (var tree in trees)
        {
            resources.Add(tree.Tree.Release);
        }
    }

    public Manifest Manifest { get; }

    public NamespaceSchema Schema { get; private set; }

    public NamespaceOptions Options { get; private set; }

    /// <summary>In ascending order of names; replaced whole.</summary>
    public IReadOnlyList<NamespaceToken> Tokens { get; private set; }

    /// <summary>The last WAL entry applied; own entries only.</summary>
    public long Sequence { get; private set; }

    /// <summary>False before the first entry and after a deletion.</summary>
    public bool IsLive { get; private set; }

    /// <summary>True when the last entry applied ended this epoch.</summary>
    public bool IsDeleted { get; private set; }

    public long LastWriteAtMs { get; private set; }

    public long UpdatedAtMs { get; private set; }

    /// <summary>When entry <see cref="Sequence"/> was committed; before the first, when the epoch began. The next is never dated before it.</summary>
    public long CommittedAtMs { get; private set; }

    /// <summary>Bytes of the applied entries that no segment holds yet.</summary>
    public long UnindexedBytes { get; private set; }

    /// <summary>The same with what searches of the tail made of them: indexes of texts, codes of vectors.</summary>
    public long TailBytes => UnindexedBytes + tail.Texts.Bytes + tail.Codes.Bytes;

    /// <summary>
    /// What limits of a tail's size are compared with: its bytes, or half of them with everything made of them, whichever is more. So a tail takes no more than
    /// twice the memory that its bytes may, whatever was searched for in it.
    /// </summary>
    public long TailLoad => Math.Max(UnindexedBytes, TailBytes / 2);

    /// <summary>Called when a search has made more of the tail.</summary>
    public Action? TailGrew
    {
        get => tail.Texts.Grew;
        set => tail.Texts.Grew = value;
    }

    /// <summary>When the oldest entry that waits was committed; null when none waits.</summary>
    public long? OldestUnindexedMs { get; private set; }

    /// <summary>Who wrote the last entry that was applied; zero before any.</summary>
    public UInt128 LastWriterId { get; private set; }

    /// <summary>Applied entries in order, inherited ones first. Changed only by <see cref="Apply"/>.</summary>
    public IReadOnlyList<WalEntry> Entries => entries;

    /// <summary>The applied entries from number <paramref name="first"/> on, whoever applies others meanwhile.</summary>
    public WalEntry[] EntriesFrom(int first)
    {
        lock (gate)
        {
            return entries[first..].ToArray();
        }
    }

    public IReadOnlyList<SegmentReader> Segments => Array.ConvertAll(segments, s => s.Reader);

    public IReadOnlyList<IndexTree> Trees => trees;

    public int TailDocuments => tail.LiveCount;

    public long LiveDocuments
    {
        get
        {
            lock (gate)
            {
                return tail.LiveCount + segments.Sum(s => (long)s.LiveCount);
            }
        }
    }

    /// <summary>
    /// The right to read the segments until it is disposed; a snapshot and a pin have it. What was read must not be used any more then.
    /// </summary>
    public ReadTicket EnterRead() => epochs?.Enter() ?? default;

    /// <summary>Applies the next entry; takes over its reference. An entry of the parent's log does not move this log's sequence.</summary>
    /// <exception cref="PuffException">
    /// Corrupt: the entry does not fit the schema. Then nothing was changed, and the reference is still the caller's.
    /// </exception>
    public void Apply(WalEntry entry, bool inherited = false)
    {
        using var ticket = EnterRead();
        lock (gate)
        {
            if (!inherited && entry.Header.Sequence != Sequence + 1)
            {
                throw PuffException.Internal($"entry {entry.Header.Sequence} of \"{name}\" does not follow {Sequence}");
            }

            entry.CheckFits(Schema);
            resources.Add(entry.Memory.Release);
            entries.Add(entry);
            UnindexedBytes += entry.Bytes;
            OldestUnindexedMs ??= entry.Header.TimestampMs;
            LastWriterId = entry.Header.WriterId;
            frozen = null;
            ApplyDeclarations(entry);
            ApplyTokens(entry, inherited);
            ApplyOperations(entry);
            Sequence = inherited ? Sequence : entry.Header.Sequence;
            CommittedAtMs = inherited ? CommittedAtMs : entry.Header.TimestampMs;
            IsDeleted = entry.DeletesNamespace;
            IsLive = !IsDeleted;
        }
    }

    /// <summary>Leaves out damaged entries up to this one (policy `skip`): the sequence moves on.</summary>
    public void Skip(long sequence)
    {
        lock (gate)
        {
            if (sequence <= Sequence)
            {
                return;
            }

            Sequence = sequence;
            IsLive = true;
        }
    }

    /// <summary>The state at <see cref="Sequence"/>, unaffected by later entries.</summary>
    /// <param name="vectorIndex">How the snapshot is searched; null for the defaults.</param>
    public NamespaceSnapshot Snapshot(VectorIndexSettings? vectorIndex = null)
    {
        lock (gate)
        {
            var sets = frozen ??= Freeze();
            resources.AddReference();
            return new NamespaceSnapshot(name, Schema, sets, Sequence, DateTimeOffset.FromUnixTimeMilliseconds(LastWriteAtMs), ReleaseOf(EnterRead()))
            {
                UpdatedAt = DateTimeOffset.FromUnixTimeMilliseconds(UpdatedAtMs),
                Options = Options,
                Tokens = Tokens,
                CommittedAtMs = CommittedAtMs,
                UnindexedBytes = UnindexedBytes,
                Trees = Manifest.Trees,
                VectorIndex = vectorIndex ?? VectorIndexSettings.Default,
            };
        }
    }

    /// <summary>Whether searches would gain from <see cref="CodeTail"/>.</summary>
    public bool WantsTailCodes(VectorIndexSettings settings) => tail.Codes.Wants(tail.Count, settings);

    /// <summary>
    /// Makes codes of the tail's vectors, chunk after chunk, as long as there are documents for another; entries may be applied meanwhile. The caller has
    /// pinned the state. One caller at a time.
    /// </summary>
    public void CodeTail(VectorIndexSettings settings, CancellationToken cancellation)
    {
        try
        {
            while (FrozenTail() is { } documents && tail.Codes.CodeNext(documents, trees, settings, cancellation) is { } chunk)
            {
                lock (gate)
                {
                    resources.Add(chunk.Codes.Dispose);
                }

                TailGrew?.Invoke();
            }
        }
        catch
        {
            tail.Codes.GiveUp();
            throw;
        }
    }

    /// <summary>Keeps everything the state points to alive until <see cref="Unpin"/>.</summary>
    public void Pin()
    {
        resources.AddReference();
        lock (pins)
        {
            pins.Push(EnterRead());
        }
    }

    public void Unpin()
    {
        lock (pins)
        {
            // The newest of them, whoever took it: the older ones say more.
            pins.Pop().Dispose();
        }

        resources.Release();
    }

    /// <summary>The state's own reference goes; snapshots keep theirs.</summary>
    public void Release() => resources.Release();

    /// <summary>The live document with this id, for writes that depend on it.</summary>
    public bool TryLocate(in DocumentId id, out StoredDocument document)
    {
        if (tail.TryFind(id, out int row))
        {
            document = new StoredDocument(null, row, tail[row]);
            return true;
        }

        for (int i = segments.Length - 1; i >= 0; i--)
        {
            int found = segments[i].FindLive(id);
            if (found >= 0)
            {
                document = new StoredDocument(segments[i].Reader, found, default);
                return true;
            }
        }

        document = default;
        return false;
    }

    private Action ReleaseOf(ReadTicket ticket) => epochs is null
        ? resources.Release
        : () =>
        {
            ticket.Dispose();
            resources.Release();
        };

    private TailDocumentSet? FrozenTail()
    {
        lock (gate)
        {
            return (frozen ??= Freeze()) is [.., TailDocumentSet documents] ? documents : null;
        }
    }

    private DocumentSet[] Freeze()
    {
        var sets = new List<DocumentSet>(segments.Length + 1);
        foreach (var segment in segments)
        {
            sets.Add(segment.Freeze());
        }

        if (tail.Count > 0)
        {
            sets.Add(tail.Freeze(Schema));
        }

        return sets.ToArray();
    }

    private void ApplyDeclarations(WalEntry entry)
    {
        if (entry.ReadSchema() is { } schema)
        {
            Schema = schema;
            UpdatedAtMs = entry.Header.TimestampMs;
        }

        if (entry.ReadOptions() is { } options)
        {
            Options = options;
        }

        if (entry.Header.Flags.HasFlag(WalEntryFlags.ChangesDocuments))
        {
            LastWriteAtMs = entry.Header.TimestampMs;
            UpdatedAtMs = entry.Header.TimestampMs;
        }
    }

    private void ApplyTokens(WalEntry entry, bool inherited)
    {
        if ((!inherited || Manifest.TokenEpochs.Contains(entry.Header.Epoch)) && entry.ReadTokens() is { } changed)
        {
            Tokens = TokenFormat.Merge(Tokens, changed);
        }
    }

    private void ApplyOperations(WalEntry entry)
    {
        var content = entry.Operations;
        if (content.Length == 0)
        {
            return;
        }

        Span<int> vectorBytes = stackalloc int[NamespaceSchema.MaxDenseVectors];
        byte** vectors = stackalloc byte*[NamespaceSchema.MaxDenseVectors];
        int slots = FindVectors(entry, vectors, vectorBytes);
        long upsert = 0;
        foreach (var operation in OperationFormat.Enumerate(content))
        {
            switch (operation.Kind)
            {
                case OperationKind.Upsert:
                    Forget(operation.Id);
                    var row = new TailRow(operation.Id, content.Pointer + operation.RowOffset, operation.Row.Length, null,
                        VectorAt(vectors[0], upsert, vectorBytes[0]), VectorAt(vectors[1], upsert, vectorBytes[1]));
                    tail.Append(row, vectorBytes[..slots]);
                    upsert++;
                    break;
                case OperationKind.Patch:
                    Patch(operation, vectorBytes[..slots]);
                    break;
                default:
                    Forget(operation.Id);
                    break;
            }
        }
    }

    private static byte* VectorAt(byte* start, long index, int bytes) => start == null ? null : start + index * bytes;

    private int FindVectors(WalEntry entry, byte** vectors, Span<int> bytes)
    {
        int slot = 0;
        foreach (var attribute in Schema.DenseVectors)
        {
            var region = entry.Vectors(attribute.Id);
            vectors[slot] = region.Length == 0 ? null : region.Pointer;
            bytes[slot] = attribute.Type.VectorBytes;
            slot++;
        }

        for (int rest = slot; rest < NamespaceSchema.MaxDenseVectors; rest++)
        {
            vectors[rest] = null;
        }

        return slot;
    }

    /// <summary>A patch makes a whole new version in the tail: the old row merged with the patch, the vectors where they are.</summary>
    private void Patch(in Operation operation, ReadOnlySpan<int> vectorBytes)
    {
        if (!TryLocate(operation.Id, out var stored))
        {
            return;
        }

        byte[] merged = RowFormat.Merge(stored.Row, operation.Row);
        byte** vectors = stackalloc byte*[NamespaceSchema.MaxDenseVectors];
        vectors[0] = vectors[1] = null;
        int slot = 0;
        foreach (var attribute in Schema.DenseVectors)
        {
            vectors[slot] = Kept(stored, attribute, slot);
            slot++;
        }

        Forget(operation.Id);
        tail.Append(new TailRow(operation.Id, null, 0, merged, vectors[0], vectors[1]), vectorBytes);
    }

    /// <summary>A vector that stays as long as the state: where it is, or copied when it lies in a segment that may be taken away.</summary>
    private byte* Kept(in StoredDocument stored, AttributeDefinition attribute, int slot)
    {
        byte* vector = stored.Vector(attribute, slot);
        if (vector == null || epochs is null || !stored.IsInSegment)
        {
            return vector;
        }

        var copy = NativeObjectMemory.CopyOf(new ReadOnlySpan<byte>(vector, attribute.Type.VectorBytes));
        resources.Add(copy.Release);
        return copy.Pointer;
    }

    private void Forget(in DocumentId id)
    {
        if (tail.Remove(id))
        {
            return;
        }

        for (int i = segments.Length - 1; i >= 0; i--)
        {
            if (segments[i].Remove(id))
            {
                return;
            }
        }
    }

    /// <summary>A segment and which of its documents live at the state's sequence.</summary>
    private sealed class SegmentState
    {
        private readonly BitSet live;
        private readonly IReadOnlyList<IndexTree> trees;
        private SegmentDocumentSet? frozen;

        public SegmentState(SegmentReader reader, IReadOnlyList<IndexTree> trees)
        {
            this.trees = trees;
            Reader = reader;
            live = reader.BaseLive.Clone();
            LiveCount = live.PopCount();
        }

        public SegmentReader Reader { get; }

        public int LiveCount { get; private set; }

        public int FindLive(in DocumentId id)
        {
            int document = Reader.Find(id);
            return document >= 0 && live[document] ? document : -1;
        }

        public bool Remove(in DocumentId id)
        {
            int document = FindLive(id);
            if (document < 0)
            {
                return false;
            }

            live[document] = false;
            LiveCount--;
            frozen = null;
            return true;
        }

        public SegmentDocumentSet Freeze() => frozen ??= new SegmentDocumentSet(Reader, live.Clone(), trees);
    }
}

/// <summary>Where a live document is: in a segment, or in the tail when there is none.</summary>
internal readonly unsafe struct StoredDocument(SegmentReader? segment, int document, TailRow tailRow)
{
    private readonly TailRow tailRow = tailRow;

    public bool IsInSegment => segment is not null;

    public ReadOnlySpan<byte> Row => segment is null ? tailRow.Row : segment.GetRow(document);

    /// <param name="attribute">A dense vector attribute.</param>
    /// <param name="slot">Its position among the dense vectors.</param>
    public byte* Vector(AttributeDefinition attribute, int slot) => segment is null ? tailRow.Vector(slot) : segment.GetVector(document, attribute).Pointer;
}
