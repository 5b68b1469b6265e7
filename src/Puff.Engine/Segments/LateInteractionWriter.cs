using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// Computes the codes of all token vectors of one late-interaction attribute: in the order of documents, flat, in groups of a fixed size so that memory holds
/// one group at a time. The result does not depend on the number of threads.
/// </summary>
internal sealed unsafe class LateInteractionWriter : IDisposable
{
    private const int GroupFloats = 2 << 20;

    private readonly LateInteractionVectors vectors;
    private readonly ISegmentSource source;
    private readonly int threads;
    private readonly CancellationToken cancellation;
    private readonly RandomRotation rotation;
    private readonly CodesEncoder encoder;
    private readonly float[] centroid;
    private readonly float[] buffer;
    private readonly int dimensions;
    private readonly int padded;
    private readonly int groupVectors;
    private int group;
    private int nextDocument;
    private int nextToken;

    /// <param name="part">The part being written.</param>
    /// <param name="vectors">What to write; at least one vector.</param>
    /// <param name="source">The documents in their final order.</param>
    /// <param name="threads">How many compute.</param>
    /// <param name="cancellation">Stops between blocks.</param>
    public LateInteractionWriter(
        PartEncoder part, LateInteractionVectors vectors, ISegmentSource source, int threads, CancellationToken cancellation)
    {
        this.vectors = vectors;
        this.source = source;
        this.threads = threads;
        this.cancellation = cancellation;
        dimensions = vectors.Attribute.Type.Dimensions;
        rotation = new RandomRotation(dimensions, VectorGrouping.RotationSeed);
        padded = rotation.PaddedDimensions;
        groupVectors = Math.Max(1, GroupFloats / dimensions / CodesFormat.BlockVectors) * CodesFormat.BlockVectors;
        buffer = GC.AllocateUninitializedArray<float>(Math.Min(groupVectors, vectors.Count) * dimensions, pinned: true);
        centroid = MeanOf();
        encoder = new CodesEncoder(part, vectors.Attribute.Id, new CodesHeader(0, VectorGrouping.RotationSeed, padded, IsAligned: false));
    }

    public void Dispose() => encoder.Dispose();

    /// <summary>Encodes the next group. False when there is none left.</summary>
    public bool WriteBatch()
    {
        int count = Fill();
        if (count == 0)
        {
            return false;
        }

        byte* codes = encoder.Locate(encoder.AddGroup(group++, count));
        WorkerLoop.Run(CodesFormat.BlocksOf(count), threads, () => new CodesWriter.Scratch(dimensions, padded), (block, scratch) =>
        {
            cancellation.ThrowIfCancellationRequested();
            EncodeBlock(codes, count, block, scratch);
        });
        return true;
    }

    /// <summary>After the last group.</summary>
    public void Finish() => encoder.Finish(centroid);

    private void EncodeBlock(byte* codes, int count, int block, CodesWriter.Scratch scratch)
    {
        int first = block * CodesFormat.BlockVectors;
        byte* binary = codes + (block * (long)CodesFormat.BlockBytes(padded));
        byte* row = codes + CodesFormat.RowsOffset(count, padded) + (first * (long)CodesFormat.RowBytes(padded));
        BinaryCodes.Clear(binary, padded);
        fixed (float* center = centroid)
        {
            for (int lane = 0; lane < Math.Min(CodesFormat.BlockVectors, count - first); lane++, row += CodesFormat.RowBytes(padded))
            {
                buffer.AsSpan((first + lane) * dimensions, dimensions).CopyTo(new Span<float>(scratch.Vector, dimensions));
                CodesWriter.Encode(rotation, scratch, center, binary, row, lane);
            }
        }
    }

    /// <summary>Reads the vectors of the next group into the buffer and names their documents. Returns how many.</summary>
    private int Fill()
    {
        int count = 0;
        for (; nextDocument < source.Count; nextDocument++, nextToken = 0)
        {
            var payload = MultiVectorPayload.Find(source.GetRow(nextDocument), vectors.Attribute.Id);
            if (payload.IsEmpty)
            {
                continue;
            }

            var tokens = new MultiVectorPayload(vectors.Attribute.Type, payload);
            for (; nextToken < tokens.Count; nextToken++)
            {
                if (count == groupVectors)
                {
                    return count;
                }

                Read(tokens, nextToken, buffer.AsSpan(count++ * dimensions, dimensions));
                encoder.AddDocument(nextDocument);
            }
        }

        return count;
    }

    private void Read(in MultiVectorPayload tokens, int token, Span<float> destination)
    {
        tokens.Read(token, destination);
        if (vectors.IsUnit)
        {
            IndexedVector.ScaleToUnit(destination);
        }
    }

    /// <summary>Rotations are linear, so that the mean needs to be rotated only. Summed in double precision: coordinates may be large.</summary>
    private float[] MeanOf()
    {
        var sums = new double[dimensions];
        var vector = new float[dimensions];
        for (int document = 0; document < source.Count; document++)
        {
            cancellation.ThrowIfCancellationRequested();
            var payload = MultiVectorPayload.Find(source.GetRow(document), vectors.Attribute.Id);
            var tokens = payload.IsEmpty ? default : new MultiVectorPayload(vectors.Attribute.Type, payload);
            for (int token = 0; token < tokens.Count; token++)
            {
                Read(tokens, token, vector);
                for (int d = 0; d < dimensions; d++)
                {
                    sums[d] += vector[d];
                }
            }
        }

        return Rotate(Array.ConvertAll(sums, s => (float)(s / vectors.Count)));
    }

    private float[] Rotate(float[] mean)
    {
        var rotated = GC.AllocateArray<float>(padded, pinned: true);
        fixed (float* from = mean, to = rotated)
        {
            rotation.Apply(from, to);
        }

        // Vectors near the largest single may overflow in the rotation. Any centroid will do.
        return Array.ConvertAll(rotated, c => float.IsFinite(c) ? c : 0);
    }
}
