using Puff.Engine.Formats;

namespace Puff.Engine.Indexing;

/// <summary>What the calibration of a tree says about the tree itself.</summary>
internal static class TreeCalibration
{
    private const float Recall = 0.95f;

    /// <summary>Leaves that a query without a filter needs for recall 0.95; 0 if that was not measured.</summary>
    public static int ProbesOf(IReadOnlyList<ProbeSetting> calibration) =>
        calibration.Where(s => s.Selectivity == 1 && s.Recall >= Recall).OrderBy(s => s.Recall).Select(s => s.Probes).FirstOrDefault();
}
