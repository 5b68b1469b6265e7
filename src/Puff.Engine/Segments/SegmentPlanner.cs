using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Segments;

/// <summary>Knows where in a segment's objects lies what the stages of a query read, and adds it to a batch. Changes nothing; may read what is small.</summary>
internal sealed class SegmentPlanner(SegmentReader segment, SegmentParts parts, RowsPartReader rows, IdsPartReader ids)
{
    /// <summary>Longer sections of columns and their indexes are fetched piece by piece.</summary>
    private const long MostPlannedBytes = 32 << 20;

    /// <summary>Adds the tables that most queries begin with.</summary>
    public void PlanOpening(IReadBatch batch)
    {
        foreach (var part in parts.All)
        {
            foreach (var entry in OpeningSections.Of(part.Reader))
            {
                part.Reader.Plan(entry, batch);
            }
        }
    }

    /// <summary>Adds what a document's row of results is made of.</summary>
    /// <param name="document">Its number.</param>
    /// <param name="attributes">What the row carries besides the id.</param>
    /// <param name="batch">Takes the ranges.</param>
    /// <param name="isKnown">Whether an earlier batch brought the places of what has no fixed one.</param>
    public void PlanRow(int document, IReadOnlyList<AttributeDefinition> attributes, IReadBatch batch, bool isKnown)
    {
        Plan(parts.Ids, () => (isKnown ? ids.PlanExactly : (Action<int, IReadBatch>)ids.Plan)(document, batch));
        bool readsRow = false;
        foreach (var attribute in attributes)
        {
            if (attribute.Type.IsDenseVector)
            {
                segment.GetExactRows(attribute)?.Plan(document, batch);
            }

            readsRow |= !attribute.Type.IsDenseVector && attribute.Id != 0;
        }

        if (readsRow)
        {
            Plan(parts.Rows, () => (isKnown ? rows.PlanExactly : (Action<int, IReadBatch>)rows.Plan)(document, batch));
        }
    }

    /// <summary>Adds what filters, orders and aggregates read of an attribute, as far as it is not long.</summary>
    public void PlanAttribute(AttributeDefinition attribute, IReadBatch batch)
    {
        foreach (var part in attribute.Id == 0 ? [parts.Ids] : (MappedPart?[])[parts.Columns, parts.Attributes])
        {
            foreach (var entry in part?.Reader.Entries ?? [])
            {
                bool isNeeded = attribute.Id == 0 ? entry.Section is PartSection.Ids or PartSection.IdOffsets or PartSection.SortedDocuments
                    : entry.Attribute == attribute.Id;
                if (isNeeded && entry.Length <= MostPlannedBytes)
                {
                    part!.Reader.Plan(entry, batch);
                }
            }
        }
    }

    private static void Plan(MappedPart part, Action plan)
    {
        try
        {
            plan();
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }
}
