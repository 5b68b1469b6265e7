using Puff.Engine.Filters;

namespace Puff.Engine.Queries;

/// <summary>Measures recall (turbopuffer-api 5.7): sampled stored vectors, ranked approximately and exhaustively.</summary>
public sealed record RecallRequest
{
    public int Samples { get; init; } = 25;

    public int TopK { get; init; } = 10;

    public Filter? Filters { get; init; }

    public bool IncludeGroundTruth { get; init; }

    /// <summary>A vector ranking to evaluate instead of sampled vectors.</summary>
    public VectorRank? RankBy { get; init; }
}

public sealed record RecallResult(double AverageRecall, double AverageExhaustiveCount, double AverageAnnCount, IReadOnlyList<RecallSample>? GroundTruth);

public sealed record RecallSample(float[] QueryVector, IReadOnlyList<ResultRow> NearestNeighbors);
