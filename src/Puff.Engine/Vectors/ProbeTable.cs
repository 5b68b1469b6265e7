using Puff.Engine.Formats;

namespace Puff.Engine.Vectors;

/// <summary>
/// How many leaves a query should be planned to look at, by the share of documents its filter lets pass: the measurements of one recall, between which the
/// logarithms are interpolated. An easy query ends sooner, a hard one later, as <see cref="ProbeProgress"/> decides. Immutable.
/// </summary>
internal sealed class ProbeTable
{
    // What was measured on sets nobody calibrated: a first guess that is rather too much than too little.
    private const int DefaultProbes = 96;
    private const double DefaultExponent = 0.45;

    // A filter that lets fewer pass than was measured: the slope between the last two measurements may be noise, so it is kept within these.
    private const double SmallestSlope = 0.2;
    private const double LargestSlope = 0.9;

    private readonly double[] logSelectivities;
    private readonly double[] logProbes;

    private ProbeTable(float recall, IReadOnlyList<(float Selectivity, int Probes)> points)
    {
        Recall = recall;
        logSelectivities = [.. points.Select(p => Math.Log(p.Selectivity))];
        logProbes = [.. points.Select(p => Math.Log(p.Probes))];
    }

    public static ProbeTable Uncalibrated { get; } = new(1, []);

    /// <summary>What the table was made for.</summary>
    public float Recall { get; }

    /// <summary>The table for a recall: of each selectivity the measurement with the smallest recall that is not below, else the largest measured.</summary>
    /// <param name="calibration">May be empty.</param>
    /// <param name="recall">Wanted, 0..1.</param>
    public static ProbeTable Create(IReadOnlyList<ProbeSetting> calibration, float recall)
    {
        var points = new List<(float, int)>();
        foreach (var measured in calibration.Where(s => s.Selectivity > 0 && s.Probes > 0).GroupBy(s => s.Selectivity).OrderByDescending(g => g.Key))
        {
            var enough = measured.Where(s => s.Recall >= recall).ToList();
            points.Add((measured.Key, enough.Count > 0 ? enough.Min(s => s.Probes) : measured.Max(s => s.Probes)));
        }

        return new ProbeTable(recall, points);
    }

    /// <summary>At least 1.</summary>
    /// <param name="selectivity">Above 0; more than 1 counts as 1.</param>
    public double ProbesFor(double selectivity)
    {
        double log = Math.Log(Math.Clamp(selectivity, 1e-9, 1));
        int last = logSelectivities.Length - 1;
        if (last < 0)
        {
            return DefaultProbes * Math.Exp(-log * DefaultExponent);
        }

        int next = 0;
        while (next <= last && logSelectivities[next] > log)
        {
            next++;
        }

        double probes = next == 0 ? logProbes[0] : next > last ? Beyond(log) : Between(next - 1, next, log);
        return Math.Max(1, Math.Exp(probes));
    }

    private double Between(int left, int right, double log)
    {
        double span = logSelectivities[left] - logSelectivities[right];
        return logProbes[left] + (logProbes[right] - logProbes[left]) * (logSelectivities[left] - log) / span;
    }

    private double Beyond(double log)
    {
        int last = logSelectivities.Length - 1;
        double slope = last == 0 ? DefaultExponent
            : (logProbes[last] - logProbes[last - 1]) / (logSelectivities[last - 1] - logSelectivities[last]);
        return logProbes[last] + (logSelectivities[last] - log) * Math.Clamp(slope, SmallestSlope, LargestSlope);
    }
}
