namespace Puff.Workloads.Vectors;

/// <summary>
/// What generated vectors look like: a mixture of topics with subtopics whose sizes follow a power law, all under one power-law spectrum.
/// </summary>
/// <param name="SpectrumExponent">Standard deviation of dimension i is proportional to (i + 5)^-exponent.</param>
/// <param name="TopicSpread">Distance of topics from the origin, in units of the spectrum.</param>
/// <param name="SubtopicSpread">Distance of subtopics from their topic.</param>
/// <param name="PointSpread">Distance of points from their subtopic; every point scales it by 0.7 to 1.3.</param>
internal sealed record GeneratorShape(double SpectrumExponent, double TopicSpread, double SubtopicSpread, double PointSpread)
{
    public const int Topics = 200;
    public const int SubtopicsPerTopic = 20;

    /// <summary>Sizes of subtopics are proportional to rank^-exponent.</summary>
    public const double SizeExponent = 0.5;

    /// <summary>As clustered as embeddings of a mixed collection: of a million in 1,000 lists, the 24 nearest to a query hold 95 % of its neighbours.</summary>
    public static GeneratorShape Easy { get; } = new(0.6, 0.6, 0.5, 0.7);

    /// <summary>Weakly clustered, topics overlap: of 200,000 in 450 lists, the 90 nearest to a query hold 95 % of its neighbours.</summary>
    public static GeneratorShape Hard { get; } = new(0.55, 0.45, 0.4, 0.8);
}
