namespace Puff.Workloads.Vectors;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed on every machine and version.</summary>
internal struct SeededBits(ulong seed)
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong state = seed;

    /// <summary>An independent stream for a part of the work, so that parts can be made in any order.</summary>
    public static SeededBits Of(ulong seed, ulong stream, ulong part) => new(Mix(Mix(seed + stream * Step) + part * Step));

    public ulong Next() => Mix(state += Step);

    /// <summary>0 ≤ x &lt; 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
