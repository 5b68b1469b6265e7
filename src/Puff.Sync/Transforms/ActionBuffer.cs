using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Sync.Transforms;

/// <summary>Takes the actions of a call, by the number of the change they answer. Several for one change are applied in order. Not thread-safe.</summary>
public sealed class ActionBuffer
{
    private readonly List<TransformAction>?[] actions;

    internal ActionBuffer(int changes) => actions = new List<TransformAction>?[changes];

    /// <summary>How many changes there are.</summary>
    public int Count => actions.Length;

    /// <summary>Writes a whole document.</summary>
    /// <param name="id">The change's own when null.</param>
    public void Upsert(int change, IReadOnlyList<KeyValuePair<string, Value>> attributes, Value? id = null) =>
        Add(change, new TransformAction(TransformVerb.Upsert, id, attributes));

    /// <summary>Writes some attributes of a document; dense vectors cannot be among them.</summary>
    public void Patch(int change, IReadOnlyList<KeyValuePair<string, Value>> attributes, Value? id = null) =>
        Add(change, new TransformAction(TransformVerb.Patch, id, attributes));

    /// <summary>Writes all documents of one source row; those of the group that are not among them are removed.</summary>
    public void ReplaceGroup(int change, string group, IReadOnlyList<DocumentRow> documents) =>
        Add(change, new TransformAction(TransformVerb.ReplaceGroup, Group: group, Documents: documents));

    public void Delete(int change, Value? id = null) => Add(change, new TransformAction(TransformVerb.Delete, id));

    /// <summary>Leaves what is there.</summary>
    public void Skip(int change, string? reason = null) => Add(change, new TransformAction(TransformVerb.Skip, Message: reason));

    /// <summary>The change cannot be applied: the mapping's error policy decides.</summary>
    public void Fail(int change, string message, bool isRetryable = false) =>
        Add(change, new TransformAction(TransformVerb.Fail, Message: message, IsRetryable: isRetryable));

    /// <summary>All actions; null when a change was given none.</summary>
    internal IReadOnlyList<IReadOnlyList<TransformAction>>? Finish() => Missing == 0 ? [.. actions.Select(each => each!)] : null;

    internal int Missing => actions.Count(each => each is null);

    private void Add(int change, TransformAction action) => (actions[change] ??= new List<TransformAction>(1)).Add(action);
}
