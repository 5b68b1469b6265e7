using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

internal enum ProposalKind
{
    Ordinary,

    /// <summary>Comes out the same whatever documents there are: it may be resolved before the entry in front of it is committed.</summary>
    Independent,

    /// <summary>Nothing may follow in the same entry.</summary>
    EndsBatch,
}

/// <summary>A write that waits for its commit.</summary>
internal sealed class Proposal(Func<WriteResolver, object?> resolve, ProposalKind kind)
{
    private object? result;
    private Exception? failure;

    public TaskCompletionSource<object?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ProposalKind Kind => kind;

    /// <summary>Appends to the batch's draft. A refusal is kept for the answer.</summary>
    public void Resolve(WriteResolver resolver)
    {
        (result, failure) = (null, null);
        try
        {
            result = resolve(resolver);
        }
        catch (PuffException error)
        {
            failure = error;
        }
    }

    public void Complete()
    {
        if (failure is null)
        {
            Done.TrySetResult(result);
        }
        else
        {
            Done.TrySetException(failure);
        }
    }
}

/// <summary>The proposals of one WAL entry and the draft they are resolved into. Used by the commit loop only.</summary>
internal sealed class CommitBatch(DraftPool.Lease draft) : IDisposable
{
    private readonly List<Proposal> proposals = [];
    private Base? resolvedOn;

    public CommitBatch(DraftPool.Lease draft, Proposal first)
        : this(draft) => proposals.Add(first);

    public EntryDraft Draft => draft.Draft;

    /// <summary>Nothing may be added.</summary>
    public bool IsClosed => proposals.Count > 0 && proposals[^1].Kind == ProposalKind.EndsBatch;

    /// <summary>Whether everything in the batch is in the draft as it would be if it were resolved on this view now.</summary>
    public bool IsResolvedOn(NamespaceView view) => resolvedOn is not null && view.State.IsLive && resolvedOn == Base.Of(view);

    /// <summary>Resolves all proposals into the empty draft.</summary>
    public void Resolve(WriteResolver resolver)
    {
        foreach (var proposal in proposals)
        {
            proposal.Resolve(resolver);
        }
    }

    public void Add(Proposal proposal, WriteResolver resolver)
    {
        proposals.Add(proposal);
        proposal.Resolve(resolver);
    }

    /// <summary>Adds an independent proposal before it is its turn.</summary>
    public void AddAhead(Proposal proposal, WriteResolver resolver, NamespaceView view)
    {
        resolvedOn ??= Base.Of(view);
        Add(proposal, resolver);
    }

    /// <summary>Takes everything back that was resolved: the view has changed.</summary>
    public void Reset()
    {
        resolvedOn = null;
        Draft.Reset();
    }

    public void Complete() => proposals.ForEach(p => p.Complete());

    public void Fail(Exception failure) => proposals.ForEach(p => p.Done.TrySetException(failure));

    public void Dispose() => draft.Dispose();

    /// <summary>What an independent proposal depends on all the same. Schema and options are the same object as long as nobody changed them.</summary>
    private sealed record Base(ulong Epoch, NamespaceSchema Schema, NamespaceOptions Options)
    {
        public static Base Of(NamespaceView view) => new(view.Epoch, view.State.Schema, view.State.Options);

        public bool Equals(Base? other) =>
            other is not null && Epoch == other.Epoch && ReferenceEquals(Schema, other.Schema) && ReferenceEquals(Options, other.Options);

        public override int GetHashCode() => Epoch.GetHashCode();
    }
}
