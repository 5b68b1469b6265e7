namespace Puff.Engine.Vectors;

/// <summary>Turns coordinates of centroids into 16-bit floats and back (see <see cref="TreeShape.CentroidScale"/>).</summary>
internal static unsafe class CentroidScale
{
    // The largest coordinate is brought to 512 or a little less: room for a factor of 128 should later vectors be larger, and 16-bit floats keep their full
    // precision down to a 2^23rd part of the largest.
    private const int LargestExponent = 9;
    private const int SmallestExponent = -126 + 16;
    private const int BiggestExponent = 127 - 16;

    /// <summary>The scale for coordinates of at most this magnitude.</summary>
    /// <param name="largest">Zero and what is no finite number are taken for 1.</param>
    public static float For(float largest)
    {
        if (!float.IsFinite(largest) || largest <= 0)
        {
            largest = 1;
        }

        return MathF.ScaleB(1, Math.Clamp(MathF.ILogB(largest) + 1 - LargestExponent, SmallestExponent, BiggestExponent));
    }

    /// <summary>The largest magnitude among finite coordinates.</summary>
    public static float Largest(float* coordinates, long count)
    {
        float largest = 0;
        for (long i = 0; i < count; i++)
        {
            float magnitude = MathF.Abs(coordinates[i]);
            largest = magnitude > largest && magnitude <= float.MaxValue ? magnitude : largest;
        }

        return largest;
    }

    /// <summary>The nearest finite 16-bit float; what is no number becomes zero. A centroid may lie anywhere, as long as all use the same.</summary>
    public static Half Shorten(float coordinate, float scale)
    {
        float scaled = coordinate / scale;
        return float.IsNaN(scaled) ? Half.Zero : (Half)Math.Clamp(scaled, (float)Half.MinValue, (float)Half.MaxValue);
    }

    public static float Widen(Half coordinate, float scale) => (float)coordinate * scale;
}
