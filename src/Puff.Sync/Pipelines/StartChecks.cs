using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>What was found of one mapping when the process began.</summary>
/// <param name="Position">Of the destination's token where there is one, else of the state.</param>
/// <param name="NamespaceExists">Null when the destination was not asked.</param>
internal sealed record MappingFinding(string Mapping, MappingPhase Phase, SyncPosition Position, long Documents, bool? NamespaceExists);

/// <param name="Code">slot_lost, position_skipped, source_rewound, namespace_missing.</param>
internal sealed record StaleMapping(string Mapping, string Code, string Text);

/// <summary>Compares what is remembered with the server and the slot there are now, and says which mappings have missed changes.</summary>
/// <param name="AcceptSource">Another cluster is meant: every mapping starts over.</param>
/// <param name="Resnapshot">`slot.on_lost = "resnapshot"`.</param>
internal sealed record StartChecks(bool AcceptSource = false, bool Resnapshot = false)
{
    /// <param name="known">What the state says; null before the first run.</param>
    /// <param name="slot">Null when the slot is missing.</param>
    /// <exception cref="SyncException">source_changed, slot_lost.</exception>
    public IReadOnlyList<StaleMapping> Judge(PipelineRecord? known, SourceIdentity source, SlotState? slot, IReadOnlyList<MappingFinding> mappings)
    {
        var stale = new Dictionary<string, StaleMapping>();
        void Mark(Func<MappingFinding, bool> which, string code, string text)
        {
            foreach (MappingFinding mapping in mappings.Where(m => m.Phase is not (MappingPhase.Ended or MappingPhase.Pending) && which(m)))
            {
                stale.TryAdd(mapping.Mapping, new StaleMapping(mapping.Mapping, code, text));
            }
        }

        bool isOther = known is not null && known.SystemIdentifier != 0
            && (known.SystemIdentifier != source.SystemIdentifier || known.DatabaseOid != source.DatabaseOid);
        if (isOther)
        {
            if (!AcceptSource)
            {
                throw new SyncException(
                    SyncExit.Conflict, "source_changed", "The database is not the one this state belongs to (another cluster, or a logical copy of it).",
                    "point source.url at the right database, or start with --accept-source: every mapping then needs a snapshot");
            }

            Mark(_ => true, "source_changed", "the state belongs to another database");
        }

        bool isLost = slot is null ? known is not null && known.Confirmed.Value != 0 : slot.Status == WalStatus.Lost;
        if (isLost && !isOther)
        {
            if (!Resnapshot)
            {
                throw new SyncException(
                    SyncExit.Failed, "slot_lost", slot is null ? "The replication slot is gone. Changes are missing."
                        : "The server removed WAL this slot needed (max_slot_wal_keep_size). Changes are missing.",
                    "`puff sync snapshot start --all`, or slot.on_lost = \"resnapshot\"");
            }

            Mark(_ => true, "slot_lost", "the slot was lost");
        }

        Mark(m => m.Position.Commit > source.InsertLsn, "source_rewound", "the database is older than the recorded position");
        if (slot is not null && known is not null && known.Confirmed.Value != 0 && slot.Confirmed > known.Confirmed)
        {
            Mark(m => m.Position.Commit < slot.Confirmed, "position_skipped", $"the slot was advanced to {slot.Confirmed} without us: changes are missing");
        }

        Mark(
            m => m.NamespaceExists == false && m.Position != default && m.Documents > 0, "namespace_missing",
            "the namespace no longer exists, though documents were written to it");
        return [.. stale.Values];
    }
}
