using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Namespaces;

/// <summary>
/// One immutable state of a namespace: what a query reads from beginning to end. Holds references on the mapped memory behind its sets
/// until it is disposed.
/// </summary>
internal sealed class NamespaceSnapshot(
    string name, NamespaceSchema schema, IReadOnlyList<DocumentSet> sets, long sequence, DateTimeOffset lastWriteAt, Action? release) : IDisposable
{
    private Action? release = release;

    public string Name { get; } = name;

    public NamespaceSchema Schema { get; } = schema;

    /// <summary>Segments and the tail. A live document is in exactly one set.</summary>
    public IReadOnlyList<DocumentSet> Sets { get; } = sets;

    /// <summary>The last WAL entry included.</summary>
    public long Sequence { get; } = sequence;

    public DateTimeOffset LastWriteAt { get; } = lastWriteAt;

    /// <summary>The last change of documents or schema.</summary>
    public DateTimeOffset UpdatedAt { get; init; } = lastWriteAt;

    public NamespaceOptions Options { get; init; } = new();

    public IReadOnlyList<NamespaceToken> Tokens { get; init; } = [];

    /// <summary>When entry <see cref="Sequence"/> was committed.</summary>
    public long CommittedAtMs { get; init; }

    /// <summary>Bytes of the entries that no segment holds.</summary>
    public long UnindexedBytes { get; init; }

    /// <summary>The cluster trees that <see cref="Sets"/> use.</summary>
    public IReadOnlyList<TreeDescriptor> Trees { get; init; } = [];

    /// <summary>How searches of <see cref="Trees"/> are to be done.</summary>
    public VectorIndexSettings VectorIndex { get; init; } = VectorIndexSettings.Default;

    public long LiveDocuments => Sets.Sum(s => (long)s.Live.PopCount());

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}
