using System.Collections.Concurrent;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;

namespace Puff.Sync.Pipelines;

/// <summary>The plan of a mapping, bound to each shape its table has in the stream and in pages. Thread-safe.</summary>
/// <param name="filter">The row filter for one shape; null when every row belongs.</param>
/// <param name="pageFilter">The same in SQL.</param>
/// <param name="exported">What the transform's module declares; null for none.</param>
internal sealed class DocumentRowPlan(
    DocumentPlan plan, Func<RelationShape, IRowFilter>? filter = null, string? pageFilter = null, SchemaUpdate? exported = null) : IRowPlan
{
    private readonly ConcurrentDictionary<RelationShape, Bound> bound = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<string> Columns { get; } = [.. plan.Columns.Select(c => c.Name)];

    public IReadOnlyList<string> KeyColumns => plan.Decisions.Id.Columns;

    public string? PageFilter => pageFilter;

    public SchemaUpdate? Schema => plan.Schema(exported);

    public int SchemaVersion => plan.SchemaRevision;

    public DistanceMetric? Metric => plan.Metric;

    public ChangeOutcome Decide(in RowChange change) => BoundTo(change.Relation).Cases.Decide(change);

    public DocumentAction? Remove(IReadOnlyList<string> key, SyncPosition position)
    {
        if (plan.Mapping.OnDelete == DeleteEvent.Keep)
        {
            return null;
        }

        var shape = new RelationShape(
            0, plan.Table.Schema, plan.Table.Table, plan.Table.Identity,
            [.. plan.Table.Columns.Select(c => new ColumnShape(c.Name, c.Type.Oid, c.TypeModifier, KeyColumns.Contains(c.Name)))]);
        var row = new ChangeBatch(byteCapacity: 256);
        row.Add(ChangeKind.Delete, shape, 0, position, 0);
        foreach (ColumnShape column in shape.Columns)
        {
            int ofKey = KeyColumns.ToList().IndexOf(column.Name);
            row.AddOld(
                OldTupleKind.Key, ofKey < 0 ? ColumnState.Null : ColumnState.Text, ofKey < 0 ? [] : System.Text.Encoding.UTF8.GetBytes(key[ofKey]));
        }

        RowConverter converter = plan.Bind(shape);
        Value id = converter.Ids.Read(row[0].Old);
        return plan.Mapping.OnDelete == DeleteEvent.Mark ? converter.Mark(id, position, 0) : converter.Delete(id, position, 0);
    }

    public TransformInput Describe(in RowChange change, in ChangeOutcome outcome) => new(
        change.Kind, outcome.Id, change.Relation, outcome.Row, change.Old, change.OldKind, BoundTo(change.Relation).Cases.ChangedColumns(change),
        change.Position, change.CommitMicroseconds);

    public PlannedResult Interpret(in RowChange change, in ChangeOutcome outcome, IReadOnlyList<TransformAction> actions)
    {
        RowConverter converter = BoundTo(change.Relation).Converter;
        var documents = new List<DocumentAction>(actions.Count);
        List<DocumentGroup>? groups = null;
        int skips = 0;
        foreach (TransformAction action in actions)
        {
            Value id = action.Id ?? outcome.Id;
            switch (action.Verb)
            {
                case TransformVerb.Upsert when outcome.AsPatch:
                case TransformVerb.Patch:
                    if (converter.Finish(DocumentOperation.Patch, id, action.Attributes ?? [], default, change.Position,
                        change.CommitMicroseconds) is not { } patch)
                    {
                        return new PlannedResult([], [], NeedsRow: true);
                    }

                    documents.Add(patch);
                    break;
                case TransformVerb.Upsert:
                    documents.Add(converter.Finish(
                        DocumentOperation.Upsert, id, action.Attributes ?? [], outcome.Row, change.Position, change.CommitMicroseconds)!);
                    break;
                case TransformVerb.ReplaceGroup:
                    (groups ??= []).Add(GroupOf(converter, action, change.Position, change.CommitMicroseconds));
                    break;
                case TransformVerb.Delete:
                    documents.Add(converter.Delete(id, change.Position, change.CommitMicroseconds));
                    break;
                default:
                    skips++;
                    break;
            }
        }

        return new PlannedResult(documents, groups ?? (IReadOnlyList<DocumentGroup>)[], skips);
    }

    private static DocumentGroup GroupOf(RowConverter converter, TransformAction action, SyncPosition position, long commitMicroseconds) => new(
        action.Group!,
        [.. (action.Documents ?? []).Select(d =>
            converter.Finish(DocumentOperation.Upsert, d.Id, d.Attributes, default, position, commitMicroseconds, action.Group)!)]);

    private Bound BoundTo(RelationShape relation) => bound.GetOrAdd(relation, Bind);

    private Bound Bind(RelationShape relation)
    {
        ShapeDrift.Check(plan, relation);
        RowConverter converter = plan.Bind(relation);
        return new Bound(converter, new ChangeCases(converter, filter?.Invoke(relation)));
    }

    private sealed record Bound(RowConverter Converter, ChangeCases Cases);
}
