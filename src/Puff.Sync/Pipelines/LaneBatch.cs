using Puff.Engine.Filters;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>What one write will carry, and what becomes true once it is acknowledged.</summary>
internal sealed class LaneBatch
{
    public ActionMerger Actions { get; } = new();

    /// <summary>Documents to be removed with it (truncate, groups).</summary>
    public Filter? DeleteByFilter { get; set; }

    /// <summary>The changes that became actions: whose rows they are when one is refused.</summary>
    public List<RowChange> Sources { get; } = [];

    public List<DeadLetter> Letters { get; } = [];

    /// <summary>Keys with open letters whose rows are settled by this batch, and how the letters end.</summary>
    public List<(RowKey Key, LetterState State)> Settled { get; } = [];

    /// <summary>Position of the last streamed change in it; null when it has only rows read outside the stream.</summary>
    public SyncPosition? Last { get; set; }

    /// <summary>When the newest change in it was committed, microseconds since 2000-01-01 UTC; 0 for none.</summary>
    public long CommitMicroseconds { get; set; }

    /// <summary>Bytes of the rows that went into it.</summary>
    public long Bytes { get; set; }

    public int Changes { get; set; }

    public long Skipped { get; set; }

    public long Unchanged { get; set; }

    /// <summary>Items that are done when it is written.</summary>
    public List<LaneItem> Finished { get; } = [];

    public SnapshotMark? Mark { get; set; }

    /// <summary>Completes when its first change has waited long enough.</summary>
    public Task? Due { get; set; }

    /// <summary>Nothing may be added: a truncate or a group ends it.</summary>
    public bool IsClosed { get; set; }

    public bool IsEmpty => Changes == 0 && Finished.Count == 0;
}
