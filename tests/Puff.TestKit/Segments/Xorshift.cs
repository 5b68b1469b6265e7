namespace Puff.TestKit.Segments;

/// <summary>xorshift64* (Marsaglia 2003, Vigna 2016): numbers that stay the same on every runtime, for golden files and fuzzing.</summary>
internal sealed class Xorshift(int seed)
{
    private ulong state = (ulong)seed * 0x9E3779B97F4A7C15 + 0x123456789ABCDEF;

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public int Next(int bound)
    {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return (int)(state * 0x2545F4914F6CDD1D >> 33) % bound;
    }
}
