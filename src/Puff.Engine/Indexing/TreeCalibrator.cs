using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Indexing;

/// <summary>Measures on a new segment how many leaves of its trees queries have to look at, before the segment is published.</summary>
internal sealed class TreeCalibrator(EngineContext context, NamespaceSchema schema)
{
    private const float TellingRecall = 0.95f;

    /// <summary>Leaves that a query without a filter needs for recall 0.95; 0 if that was not measured.</summary>
    public static int ProbesOf(IReadOnlyList<ProbeSetting> calibration) =>
        calibration.Where(s => s.Selectivity == 1 && s.Recall >= TellingRecall).OrderBy(s => s.Recall).Select(s => s.Probes).FirstOrDefault();

    public async Task RunAsync(MergedTrees trees, SegmentDescriptor built, CancellationToken cancellation)
    {
        if (trees.ToCalibrate.Count == 0)
        {
            return;
        }

        var segment = await SegmentReader.OpenAsync(context.Store, built, cancellation);
        try
        {
            foreach (var tree in trees.ToCalibrate)
            {
                cancellation.ThrowIfCancellationRequested();
                trees.Calibrate(tree, Measure(segment, tree, schema.Find(tree.Descriptor.Attribute)!));
            }
        }
        finally
        {
            segment.Release();
        }
    }

    private IReadOnlyList<ProbeSetting> Measure(SegmentReader segment, IndexTree tree, AttributeDefinition attribute) => ProbeCalibrator.Calibrate(
        segment.GetIndex(attribute, [tree])!,
        tree.Tree,
        segment.GetExactRows(attribute)!,
        SegmentVectors.ElementOf(attribute),
        schema.Metric == DistanceMetric.CosineDistance,
        attribute.Type.Dimensions,
        context.Settings.VectorIndex.Threads,
        context.NextUInt64());
}
