using Puff.Sync.Changes;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>One mapping in a running pipeline: its lane, what it is doing, and how to end that. A lane that was stopped is replaced, not mended.</summary>
internal sealed class LaneHost(PipelineMapping mapping, Lane lane)
{
    public PipelineMapping Mapping => mapping;

    public string Name => mapping.Definition.Name;

    public Lane Lane { get; set; } = lane;

    public MappingPhase Phase { get; set; } = mapping.Record.Phase;

    public string? ReasonCode { get; set; }

    public string? ReasonText { get; set; }

    /// <summary>Ends the tasks of the lane.</summary>
    public CancellationTokenSource Stop { get; set; } = new();

    public Task Running { get; set; } = Task.CompletedTask;

    /// <summary>Snapshots that are read now or wait for their turn.</summary>
    public List<SnapshotJob> Jobs { get; } = [];

    public bool Runs => Phase is MappingPhase.Snapshot or MappingPhase.Streaming or MappingPhase.Degraded or MappingPhase.Pending;

    /// <summary>Where its changes begin again when it is resumed.</summary>
    public SyncPosition Position => Lane.Intake.Applied;
}
