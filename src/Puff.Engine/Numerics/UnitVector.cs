namespace Puff.Engine.Numerics;

/// <summary>Vectors scaled to unit length, in double precision, so that neither large nor tiny elements spoil the norm.</summary>
internal static class UnitVector
{
    /// <summary>A copy of unit length; of a zero vector, an exact copy.</summary>
    public static float[] Of(ReadOnlySpan<float> vector)
    {
        double squares = 0;
        foreach (float element in vector)
        {
            squares += (double)element * element;
        }

        var unit = vector.ToArray();
        if (squares > 0)
        {
            double factor = 1 / Math.Sqrt(squares);
            for (int i = 0; i < unit.Length; i++)
            {
                unit[i] = (float)(vector[i] * factor);
            }
        }

        return unit;
    }
}
