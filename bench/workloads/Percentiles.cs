namespace Puff.Workloads;

internal static class Percentiles
{
    /// <summary>The value below which the share lies; sorts the samples.</summary>
    public static double Of(List<double> samples, double share)
    {
        samples.Sort();
        return samples[Math.Min((int)(samples.Count * share), samples.Count - 1)];
    }
}
