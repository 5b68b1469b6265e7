using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>
/// Decides what a change of a row asks for: the table of cases, unchanged columns, and updates that need no transform. For one mapping and one table shape;
/// stateless, thread-safe.
/// </summary>
internal sealed class ChangeCases
{
    private readonly RowConverter converter;
    private readonly MappingDefinition mapping;
    private readonly IRowFilter? filter;
    private readonly int[] compared;
    private readonly int[] filterOrdinals;
    private readonly int[] needs;
    private readonly int[]? recomputeOn;

    /// <param name="filter">Null when every row belongs, or the server filters.</param>
    public ChangeCases(RowConverter converter, IRowFilter? filter = null)
    {
        this.converter = converter;
        this.filter = filter;
        mapping = converter.Plan.Mapping;
        filterOrdinals = OrdinalsOf(filter?.Columns ?? []);
        compared = [.. converter.ReadOrdinals.Union(filterOrdinals)];
        var transform = mapping.Transform;
        needs = transform.Needs is { } named ? OrdinalsOf(named) : [.. converter.ReadOrdinals];
        recomputeOn = (transform.RecomputeOn ?? transform.Needs) is { } causes ? OrdinalsOf(causes) : null;
    }

    private bool HasTransform => mapping.Transform.Kind != TransformKind.None || mapping.Embed is not null;

    /// <param name="change">Insert, Update, Delete or Snapshot.</param>
    /// <exception cref="RowException">The row has no id, or a value cannot be written.</exception>
    public ChangeOutcome Decide(in RowChange change) => change.Kind switch
    {
        ChangeKind.Insert => Belongs(change.New)
            ? Document(change, converter.Ids.Read(change.New), change.New, null)
            : new ChangeOutcome(OutcomeKind.Nothing) { Id = converter.Ids.Read(change.New) },
        ChangeKind.Snapshot => Belongs(change.New)
            ? Document(change, converter.Ids.Read(change.New), change.New, null)
            : Written(converter.Delete(converter.Ids.Read(change.New), change.Position, change.CommitMicroseconds)),
        ChangeKind.Update => DecideUpdate(change),
        ChangeKind.Delete => DecideDelete(change),
        _ => throw new InvalidOperationException($"{change.Kind} is no change of a row"),
    };

    /// <summary>The id before the change where it differs from the id after it; what it touches beside its own row.</summary>
    public Value? OldIdOf(in RowChange change)
    {
        var (old, ids) = (change.Old, converter.Ids);
        if (change.Kind != ChangeKind.Update || !old.Exists || !ids.IsIn(old))
        {
            return null;
        }

        var before = ids.Read(old);
        return ActionMerger.KeyOf(before) != ActionMerger.KeyOf(ids.Read(change.New, old)) ? before : null;
    }

    /// <summary>Ordinals of the read columns that differ from the old row; null when that is not known.</summary>
    public IReadOnlyList<int>? ChangedColumns(RowChange change)
    {
        if (change.Kind != ChangeKind.Update || change.OldKind != OldTupleKind.Full)
        {
            return null;
        }

        return [.. converter.ReadOrdinals.Where(o => !IsSame(change, o))];
    }

    private int[] OrdinalsOf(IReadOnlyList<string> columns) => [.. columns.Select(converter.Relation.Find).Where(o => o >= 0)];

    private bool Belongs(in RowTuple row) => filter is null || filter.Matches(converter.Relation, row);

    private ChangeOutcome DecideDelete(in RowChange change)
    {
        var id = converter.Ids.Read(change.Old);
        return mapping.OnDelete switch
        {
            DeleteEvent.Keep => new ChangeOutcome(OutcomeKind.Nothing) { Id = id },
            DeleteEvent.Mark => Written(converter.Mark(id, change.Position, change.CommitMicroseconds)),
            _ when HasTransform && mapping.Transform.OnDelete == DeleteHandling.Call => new ChangeOutcome(OutcomeKind.Transform) { Id = id },
            _ => Written(converter.Delete(id, change.Position, change.CommitMicroseconds)),
        };
    }

    private ChangeOutcome DecideUpdate(in RowChange change)
    {
        var row = change.New;
        bool mayComplete = mapping.Unchanged is UnchangedPolicy.Auto or UnchangedPolicy.OldTuple;
        if (change.OldKind == OldTupleKind.Full && mayComplete)
        {
            row = CompletedRow.Of(row, change.Old);
        }

        var id = converter.Ids.Read(row, change.Old);
        var gone = OldIdOf(change) is { } before ? converter.Delete(before, change.Position, change.CommitMicroseconds) : null;
        if (Array.Exists(filterOrdinals, HasUnchanged(row)))
        {
            return new ChangeOutcome(OutcomeKind.Reread) { Id = id, Gone = gone, Row = row, Cause = "filter" };
        }

        if (!Belongs(row))
        {
            return Leaves(change, id, gone);
        }

        if (converter.IsComplete(row))
        {
            return gone is null ? Changed(change, id, row) : Document(change, id, row, gone);
        }

        return gone is null ? Partial(change, id, row)
            : new ChangeOutcome(OutcomeKind.Reread) { Id = id, Gone = gone, Row = row, Cause = "key" };
    }

    private static Predicate<int> HasUnchanged(RowTuple row) => ordinal => row[ordinal] == ColumnState.Unchanged;

    /// <summary>The row is outside the filter now.</summary>
    private ChangeOutcome Leaves(in RowChange change, in Value id, DocumentAction? gone)
    {
        bool wasOutside = change.OldKind == OldTupleKind.Full && !Belongs(change.Old);
        return gone is not null || wasOutside
            ? new ChangeOutcome(OutcomeKind.Nothing) { Id = id, Gone = wasOutside ? null : gone }
            : Written(converter.Delete(id, change.Position, change.CommitMicroseconds));
    }

    /// <summary>A complete row with the key it had.</summary>
    private ChangeOutcome Changed(RowChange change, in Value id, in RowTuple row)
    {
        if (change.OldKind != OldTupleKind.Full || !Belongs(change.Old))
        {
            return WithoutTransform(change, id, row) ?? Document(change, id, row, null);
        }

        return Array.TrueForAll(compared, o => IsSame(change, o))
            ? new ChangeOutcome(OutcomeKind.Unchanged) { Id = id }
            : WithoutTransform(change, id, row) ?? Document(change, id, row, null);
    }

    /// <summary>Columns are missing that are stored out of line.</summary>
    private ChangeOutcome Partial(in RowChange change, in Value id, in RowTuple row)
    {
        if (mapping.Unchanged is UnchangedPolicy.Stop or UnchangedPolicy.OldTuple)
        {
            return new ChangeOutcome(OutcomeKind.Stop) { Id = id, Row = row, Cause = "unchanged" };
        }

        if (mapping.Unchanged != UnchangedPolicy.Reread && WasInside(change) && AsPatch(change, id, row) is { } patch)
        {
            return patch;
        }

        return mapping.Unchanged == UnchangedPolicy.Patch
            ? new ChangeOutcome(OutcomeKind.Stop) { Id = id, Row = row, Cause = "patch" }
            : new ChangeOutcome(OutcomeKind.Reread) { Id = id, Row = row, Cause = "unchanged" };
    }

    /// <summary>Null when a patch cannot say it.</summary>
    private ChangeOutcome? AsPatch(RowChange change, in Value id, in RowTuple row)
    {
        if (HasTransform)
        {
            return WithoutTransform(change, id, row)
                ?? (Array.Exists(needs, HasUnchanged(row)) ? null : new ChangeOutcome(OutcomeKind.Transform) { Id = id, Row = row, AsPatch = true });
        }

        return Patched(change, id, row, null);
    }

    /// <summary>A patch of what changed, when nothing that the transform depends on did; null when it has to run.</summary>
    private ChangeOutcome? WithoutTransform(RowChange change, in Value id, in RowTuple row)
    {
        if (!HasTransform || recomputeOn is null || !WasInside(change) || !Array.TrueForAll(recomputeOn, o => IsSame(change, o)))
        {
            return null;
        }

        var changed = converter.ReadOrdinals.Where(o => !IsSame(change, o)).ToHashSet();
        return Patched(change, id, row, changed);
    }

    private ChangeOutcome? Patched(RowChange change, in Value id, in RowTuple row, IReadOnlySet<int>? only)
    {
        try
        {
            return converter.Patch(id, row, only, change.Position, change.CommitMicroseconds) is { } patch ? Written(patch) : null;
        }
        catch (RowException error)
        {
            error.Id = id;
            throw;
        }
    }

    /// <summary>
    /// Whether the row was in the filter before, for certain: then there is a document to patch. Without an old row the key has not changed, so a filter on the
    /// key's columns says the same as before.
    /// </summary>
    private bool WasInside(RowChange change) => filter is null || (change.OldKind == OldTupleKind.Full
        ? Belongs(change.Old)
        : change.OldKind == OldTupleKind.None && Array.TrueForAll(filterOrdinals, o => converter.Relation.Columns[o].IsKey));

    /// <summary>Known not to have changed.</summary>
    private bool IsSame(RowChange change, int ordinal)
    {
        var state = change.New[ordinal];
        if (state == ColumnState.Unchanged)
        {
            return true;
        }

        if (change.OldKind == OldTupleKind.Full)
        {
            return change.Old[ordinal] == state && change.Old.Bytes(ordinal).SequenceEqual(change.New.Bytes(ordinal));
        }

        return change.OldKind == OldTupleKind.None && change.Kind == ChangeKind.Update && converter.Relation.Columns[ordinal].IsKey;
    }

    private ChangeOutcome Document(in RowChange change, in Value id, in RowTuple row, DocumentAction? gone)
    {
        if (HasTransform)
        {
            return new ChangeOutcome(OutcomeKind.Transform) { Id = id, Row = row, Gone = gone };
        }

        try
        {
            return Written(converter.Upsert(id, row, change.Position, change.CommitMicroseconds)) with { Gone = gone };
        }
        catch (RowException error)
        {
            // The document under the old key goes all the same.
            (error.Id, error.Gone) = (id, gone);
            throw;
        }
    }

    private static ChangeOutcome Written(DocumentAction action) => new(OutcomeKind.Write) { Id = action.Id, Action = action };
}

/// <summary>Fills a row's unchanged columns from the old row of a table with identity FULL.</summary>
internal static class CompletedRow
{
    /// <summary>The row itself when it lacks nothing; else a copy in a batch of its own.</summary>
    public static RowTuple Of(RowTuple row, RowTuple old)
    {
        int first = 0;
        while (first < row.ColumnCount && row[first] != ColumnState.Unchanged)
        {
            first++;
        }

        if (first == row.ColumnCount)
        {
            return row;
        }

        var batch = new ChangeBatch(byteCapacity: 4096);
        batch.Add(ChangeKind.Snapshot, null, 0, default, 0);
        for (int ordinal = 0; ordinal < row.ColumnCount; ordinal++)
        {
            var source = row[ordinal] == ColumnState.Unchanged ? old : row;
            batch.AddNew(source[ordinal], source.Bytes(ordinal));
        }

        return batch[0].New;
    }
}
