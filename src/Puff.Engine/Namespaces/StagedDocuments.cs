using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Documents as the operations of an unfinished batch leave them, for later operations of the same batch that must read: null for a deleted one, else the
/// whole row.
/// Read off the draft on demand, so that batches that only upsert pay nothing.
/// </summary>
internal sealed class StagedDocuments(NamespaceState state, EntryDraft draft)
{
    private readonly Dictionary<DocumentId, byte[]?> documents = [];
    private long readThrough;

    /// <summary>Documents the batch has touched, with their present rows. Call <see cref="CatchUp"/> before.</summary>
    public IReadOnlyDictionary<DocumentId, byte[]?> Documents => documents;

    /// <summary>The current row of a document: as staged, else as stored, else null.</summary>
    public byte[]? FindRow(in DocumentId id)
    {
        if (documents.TryGetValue(id, out byte[]? staged))
        {
            return staged;
        }

        return state.TryLocate(id, out var stored) ? stored.Row.ToArray() : null;
    }

    /// <summary>Whether a live document has this id.</summary>
    public bool Exists(in DocumentId id) => documents.TryGetValue(id, out byte[]? staged) ? staged is not null : state.TryLocate(id, out _);

    /// <summary>Reads the operations the draft gained since the last call.</summary>
    public void CatchUp()
    {
        var content = draft.Operations.Written;
        if (content.Length == readThrough)
        {
            return;
        }

        foreach (var operation in OperationFormat.EnumerateFrom(content, readThrough))
        {
            switch (operation.Kind)
            {
                case OperationKind.Upsert:
                    documents[operation.Id] = operation.Row.ToArray();
                    break;
                case OperationKind.Delete:
                    documents[operation.Id] = null;
                    break;
                default:
                    if (FindRow(operation.Id) is { } row)
                    {
                        documents[operation.Id] = RowFormat.Merge(row, operation.Row);
                    }

                    break;
            }
        }

        readThrough = content.Length;
    }

    /// <summary>Forgets everything: the draft was taken back to an earlier mark.</summary>
    public void Reset()
    {
        documents.Clear();
        readThrough = 0;
    }
}
