using System.Runtime.CompilerServices;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;

namespace Puff.Sync.Transforms;

/// <summary>The identity mapping as an action, where `[embed]` is the only code: without the attributes that say where a document comes from.</summary>
internal sealed class IdentityDocuments(DocumentPlan plan)
{
    private readonly ConditionalWeakTable<RelationShape, RowConverter> converters = [];
    private readonly HashSet<string?> provenance =
        [plan.Mapping.VersionAttribute, plan.Mapping.RowHashAttribute, plan.Mapping.Target.Shared ? DocumentPlan.MappingAttribute : null];

    public TransformAction Make(TransformInput change)
    {
        if (!change.Row.Exists)
        {
            return new TransformAction(TransformVerb.Delete);
        }

        try
        {
            var document = converters.GetValue(change.Relation, plan.Bind).Upsert(change.Id, change.Row, change.Position, change.CommitMicroseconds);
            return document.Operation == DocumentOperation.Delete
                ? new TransformAction(TransformVerb.Delete)
                : new TransformAction(TransformVerb.Upsert, Attributes: [.. document.Attributes.Where(IsOwn)]);
        }
        catch (RowException failure)
        {
            return new TransformAction(TransformVerb.Fail, Message: failure.Message, Code: failure.Code);
        }
    }

    private bool IsOwn(KeyValuePair<string, Value> attribute) => !provenance.Contains(attribute.Key);
}
