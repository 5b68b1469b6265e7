using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>One thing that is wrong with a stored object.</summary>
internal sealed record SegmentProblem(string Key, string Message);

/// <summary>
/// Reads a segment to the last byte and says everything that is wrong, where opening it stops at the first damage: checksums of every block, then
/// whether rows, ids and columns can be read, and whether indexes are those of the rows. A store's failure is no finding and passes through.
/// </summary>
internal static class SegmentVerifier
{
    /// <param name="store">Where it lies.</param>
    /// <param name="descriptor">The segment.</param>
    /// <param name="trees">The trees of the manifest, among them those that the segment's codes are grouped by.</param>
    /// <param name="cancellation">Stops between objects.</param>
    public static async ValueTask<IReadOnlyList<SegmentProblem>> VerifyAsync(
        IObjectStore store, SegmentDescriptor descriptor, IReadOnlyList<TreeDescriptor> trees, CancellationToken cancellation)
    {
        var problems = new List<SegmentProblem>();
        foreach (var part in descriptor.Parts)
        {
            await CollectAsync(problems, descriptor.KeyOf(part.Name), () => VerifyPartAsync(store, descriptor, part, problems, cancellation));
        }

        if (descriptor.DeletesKey is { } deletes)
        {
            await CollectAsync(problems, deletes, async () => await DeletesObject.ReadAsync(store, deletes, descriptor.Documents, cancellation));
        }

        if (problems.Count == 0 && descriptor.Trees.Count > 0)
        {
            string codes = descriptor.KeyOf(PartFormat.NameOf(PartKind.Codes));
            await CollectAsync(problems, codes, () => CodesVerifier.VerifyAsync(store, descriptor, trees, cancellation));
        }

        string tokens = descriptor.KeyOf(PartFormat.NameOf(PartKind.Codes));
        if (problems.Count == 0 && descriptor.AllKeys().Contains(tokens))
        {
            await CollectAsync(problems, tokens, () => CodesVerifier.VerifyTokensAsync(store, descriptor, cancellation));
        }

        string attributes = descriptor.KeyOf(PartFormat.NameOf(PartKind.Attributes));
        if (problems.Count == 0 && descriptor.AllKeys().Contains(attributes))
        {
            await CollectAsync(problems, attributes, () => VerifyAttributesAsync(store, descriptor, cancellation));
        }

        string text = descriptor.KeyOf(PartFormat.NameOf(PartKind.Text));
        if (problems.Count == 0 && descriptor.AllKeys().Contains(text))
        {
            await CollectAsync(problems, text, () => TextReanalysis.VerifyAsync(store, descriptor, cancellation));
        }

        return problems;
    }

    /// <summary>A whole tree object, and whether it is what the manifest says.</summary>
    public static async ValueTask<IReadOnlyList<SegmentProblem>> VerifyTreeAsync(IObjectStore store, TreeDescriptor tree, CancellationToken cancellation)
    {
        var problems = new List<SegmentProblem>();
        foreach (var part in tree.Parts)
        {
            await CollectAsync(problems, part.Key, async () => await TreeObject.ReadAsync(store, tree, part, cancellation));
        }

        return problems;
    }

    private static async ValueTask VerifyAttributesAsync(IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation)
    {
        var parts = await SegmentParts.OpenAsync(store, descriptor, cancellation);
        try
        {
            AttributeVerifier.Walk(parts.Attributes!.Reader, parts.Columns.Reader);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Attributes!.Damaged(damage);
        }
        finally
        {
            parts.Release();
        }
    }

    private static async ValueTask CollectAsync(List<SegmentProblem> problems, string key, Func<ValueTask> verify)
    {
        try
        {
            await verify();
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            problems.Add(new SegmentProblem(key, damage.Message));
        }
    }

    private static async ValueTask VerifyPartAsync(
        IObjectStore store, SegmentDescriptor descriptor, SegmentPart expected, List<SegmentProblem> problems, CancellationToken cancellation)
    {
        string key = descriptor.KeyOf(expected.Name);
        var part = await MappedPart.OpenAsync(store, key, KindOf(expected.Name), expected, descriptor.Documents, cancellation);
        try
        {
            var damaged = part.Reader.FindDamagedBlocks();
            foreach (long offset in damaged)
            {
                problems.Add(new SegmentProblem(key, $"the checksum of the block at byte {offset} does not match"));
            }

            if (damaged.Count == 0)
            {
                Walk(part.Reader, KindOf(expected.Name));
            }
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
        finally
        {
            part.Release();
        }
    }

    /// <summary>Null for parts this build does not know: their frame is verified, their content is not understood.</summary>
    private static PartKind? KindOf(string name)
    {
        foreach (var kind in Enum.GetValues<PartKind>())
        {
            if (PartFormat.NameOf(kind) == name)
            {
                return kind;
            }
        }

        return null;
    }

    private static void Walk(PartReader part, PartKind? kind)
    {
        switch (kind)
        {
            case PartKind.Rows:
                WalkRows(new RowsPartReader(part), part.Documents);
                break;
            case PartKind.Ids:
                WalkIds(new IdsPartReader(part), part.Documents);
                break;
            case PartKind.Codes:
                foreach (var entry in part.Entries.Where(e => e.Section == PartSection.CodeGroups))
                {
                    WalkCodes(CodesReader.Open(part, entry.Attribute)!);
                }

                break;
            case PartKind.Columns:
                foreach (var entry in part.Entries.Where(e => e.Section == PartSection.Present))
                {
                    new ColumnsPartReader(part).GetColumn(new AttributeDefinition(entry.Attribute, $"#{entry.Attribute}", new AttributeType(entry.Type)));
                }

                break;
            case PartKind.Sparse:
                foreach (var entry in part.Entries.Where(e => e.Section == PartSection.SparseLists))
                {
                    SparseVerifier.Walk(SparseIndex.Open(part, entry.Attribute)!);
                }

                break;
            case PartKind.Text:
                foreach (var entry in part.Entries.Where(e => e.Section == PartSection.TextBlocks))
                {
                    TextVerifier.Walk(TextIndex.Open(part, entry.Attribute)!);
                }

                break;
        }
    }

    private static void WalkCodes(CodesReader codes)
    {
        if (codes.IsFlat)
        {
            codes.ReadCentroid();
        }
    }

    private static void WalkRows(RowsPartReader rows, int documents)
    {
        for (int document = 0; document < documents; document++)
        {
            foreach (var entry in RowFormat.Enumerate(rows.GetRow(document)))
            {
                if (entry.IsNull)
                {
                    throw new CorruptDataException($"row {document} holds a null for attribute {entry.Number}");
                }
            }
        }
    }

    private static void WalkIds(IdsPartReader ids, int documents)
    {
        for (int document = 0; document < documents; document++)
        {
            if (ids.Find(ids.GetId(document)) != document)
            {
                throw new CorruptDataException($"the primary key does not lead to document {document}");
            }
        }
    }
}
