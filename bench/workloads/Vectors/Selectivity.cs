namespace Puff.Workloads.Vectors;

/// <summary>A filter "bucket &lt; Below" on the uniform attribute; 1,000 matches everything.</summary>
internal readonly record struct Selectivity(int Below)
{
    public static Selectivity[] All { get; } = [new(1000), new(500), new(100), new(10), new(1)];

    public bool IsUnfiltered => Below >= 1000;

    /// <summary>Used in file names and labels.</summary>
    public string Name => IsUnfiltered ? "all" : FormattableString.Invariant($"{Below / 10.0}%");
}
