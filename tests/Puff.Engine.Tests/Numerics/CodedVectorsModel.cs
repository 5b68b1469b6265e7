using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Engine.Tests.Numerics;

/// <summary>A centroid, vectors near it and a query, all rotated, with both kinds of codes and the true squared distances.</summary>
internal sealed unsafe class CodedVectorsModel : IDisposable
{
    private readonly NativeFloats rotated;
    private readonly NativeFloats residual;
    private readonly byte* rows;
    private byte* block;

    public CodedVectorsModel(int dimensions, int seed, double offset = 0, double spread = 1, double queryDistance = 1, double scale = 1)
        : this(new RandomRotation(dimensions, (ulong)seed))
    {
        var random = new Random(seed);
        using var vector = new NativeFloats(dimensions);
        var centroid = new double[dimensions];
        for (int i = 0; i < dimensions; i++)
        {
            centroid[i] = (offset + NativeFloats.Gaussian(random)) * scale;
            vector.Pointer[i] = (float)centroid[i];
        }

        Rotation.Apply(vector.Pointer, Centroid);
        for (int lane = 0; lane < BinaryCodes.BlockVectors; lane++)
        {
            Fill(vector, random, centroid, spread * scale);
            Rotation.Apply(vector.Pointer, Vector(lane));
        }

        Fill(vector, random, centroid, queryDistance * scale);
        Rotation.Apply(vector.Pointer, Query);
        Encode();
    }

    private CodedVectorsModel(RandomRotation rotation)
    {
        Rotation = rotation;
        Padded = rotation.PaddedDimensions;
        rotated = new NativeFloats((BinaryCodes.BlockVectors + 2) * Padded);
        residual = new NativeFloats(Padded);
        block = (byte*)NativeMemory.AlignedAlloc((nuint)BinaryCodes.BlockBytes(Padded), 64);
        rows = (byte*)NativeMemory.Alloc((nuint)(BinaryCodes.BlockVectors * OctalCodes.RowBytes(Padded)));
    }

    public RandomRotation Rotation { get; }

    public int Padded { get; }

    public float* Centroid => rotated.Pointer + BinaryCodes.BlockVectors * Padded;

    public float* Query => Centroid + Padded;

    public byte* Block => block;

    public float CentroidSquaredDistance => SquaredEuclidean.Compute<F32Element>((byte*)Centroid, Query, Padded);

    /// <summary>With a centroid and a query of the caller's choice; every vector is the same.</summary>
    public static CodedVectorsModel Constant(int dimensions, float centroid, float vector, float query)
    {
        var model = new CodedVectorsModel(new RandomRotation(dimensions, 1));
        for (int i = 0; i < model.Padded; i++)
        {
            model.Centroid[i] = i % 3 == 0 ? centroid : -centroid;
            model.Query[i] = i % 5 == 0 ? query : -query;
            for (int lane = 0; lane < BinaryCodes.BlockVectors; lane++)
            {
                model.Vector(lane)[i] = i % 2 == 0 ? vector : -vector;
            }
        }

        model.Encode();
        return model;
    }

    public float* Vector(int lane) => rotated.Pointer + lane * Padded;

    public byte* Row(int lane) => rows + lane * OctalCodes.RowBytes(Padded);

    public double TrueDistance(int lane) => SquaredEuclidean.Scalar<F32Element>((byte*)Vector(lane), Query, Padded);

    public void Dispose()
    {
        rotated.Dispose();
        residual.Dispose();
        NativeMemory.AlignedFree(block);
        NativeMemory.Free(rows);
        block = null;
    }

    private static void Fill(NativeFloats vector, Random random, double[] centroid, double spread)
    {
        for (int i = 0; i < centroid.Length; i++)
        {
            vector.Pointer[i] = (float)(centroid[i] + spread * NativeFloats.Gaussian(random));
        }
    }

    private void Encode()
    {
        BinaryCodes.Clear(Block, Padded);
        for (int lane = 0; lane < BinaryCodes.BlockVectors; lane++)
        {
            for (int i = 0; i < Padded; i++)
            {
                residual.Pointer[i] = Vector(lane)[i] - Centroid[i];
            }

            BinaryCodes.Encode(residual.Pointer, Centroid, Padded, Block, lane);
            OctalCodes.Encode(residual.Pointer, Centroid, Padded, Row(lane));
        }
    }
}
