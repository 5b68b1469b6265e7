namespace Puff.Engine.Vectors;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the same numbers from the same seed on every machine and
/// every version of .NET.
/// </summary>
internal struct SplitMix(ulong seed)
{
    private ulong state = seed;

    /// <summary>A generator of its own for part <paramref name="part"/> of something that has a seed.</summary>
    public static SplitMix For(ulong seed, int part)
    {
        var mixer = new SplitMix(seed ^ ((ulong)(uint)part << 32));
        return new SplitMix(mixer.Next() ^ (uint)part);
    }

    public ulong Next()
    {
        ulong z = state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1.</summary>
    public int Next(int bound) => (int)Math.BigMul(Next(), (ulong)(uint)bound, out _);
}
