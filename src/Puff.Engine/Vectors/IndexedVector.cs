using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>Stored vectors as the index sees them: single precision, under cosine distance of unit length.</summary>
internal static unsafe class IndexedVector
{
    // Beyond these a sum of squares in single precision has lost its accuracy, or is about to overflow.
    private const float SmallestSquare = 1e-30f;
    private const float LargestSquare = 1e30f;

    /// <param name="row">A vector at the column's width.</param>
    /// <param name="type">Of its elements.</param>
    /// <param name="isUnit">Whether it is scaled to unit length; a zero vector stays zero.</param>
    /// <param name="destination">As many numbers as the vector has.</param>
    public static void Read(byte* row, ElementType type, bool isUnit, Span<float> destination)
    {
        switch (type)
        {
            case ElementType.F32:
                new ReadOnlySpan<byte>(row, destination.Length * sizeof(float)).CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(destination));
                break;
            case ElementType.F16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(row, destination.Length), destination);
                break;
            default:
                TensorPrimitives.ConvertTruncating(new ReadOnlySpan<sbyte>(row, destination.Length), destination);
                break;
        }

        if (isUnit)
        {
            ScaleToUnit(destination);
        }
    }

    public static void ScaleToUnit(Span<float> vector)
    {
        float square = TensorPrimitives.SumOfSquares(vector);
        if (square is >= SmallestSquare and <= LargestSquare)
        {
            TensorPrimitives.Multiply(vector, 1 / MathF.Sqrt(square), vector);
            return;
        }

        double exact = 0;
        foreach (float coordinate in vector)
        {
            exact += (double)coordinate * coordinate;
        }

        if (exact > 0 && double.IsFinite(exact))
        {
            double scale = 1 / Math.Sqrt(exact);
            for (int i = 0; i < vector.Length; i++)
            {
                vector[i] = (float)(vector[i] * scale);
            }
        }
    }
}
