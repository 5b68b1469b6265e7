using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// Computes the codes of one attribute of a new segment, a batch of groups at a time: memory holds one batch, or one group if that is larger. Batches are
/// computed by several threads, 32 vectors each; the result does not depend on how many.
/// </summary>
internal sealed unsafe class CodesWriter : IDisposable
{
    private const long BatchBytes = 8 << 20;

    private readonly CodedAttribute coded;
    private readonly VectorGrouping grouping;
    private readonly CodesEncoder encoder;
    private readonly int padded;
    private readonly int threads;
    private readonly CancellationToken cancellation;
    private int nextGroup;

    /// <param name="part">The part being written.</param>
    /// <param name="coded">What to write.</param>
    /// <param name="threads">How many compute.</param>
    /// <param name="cancellation">Stops between blocks.</param>
    public CodesWriter(PartEncoder part, CodedAttribute coded, int threads, CancellationToken cancellation)
    {
        this.coded = coded;
        grouping = coded.Grouping;
        padded = grouping.Rotation.PaddedDimensions;
        this.threads = threads;
        this.cancellation = cancellation;
        var header = new CodesHeader(grouping.TreeId, grouping.Seed, padded, coded.Documents is null);
        encoder = new CodesEncoder(part, grouping.Vectors.Attribute.Id, header);
    }

    public void Dispose() => encoder.Dispose();

    /// <summary>Encodes the next groups. False when there are none left.</summary>
    public bool WriteBatch()
    {
        var blocks = new List<Block>();
        long bytes = 0;
        for (; nextGroup < coded.Groups.Count && bytes < BatchBytes; nextGroup++)
        {
            var (node, count) = coded.Groups[nextGroup];
            int firstSlot = encoder.Slots;
            long offset = encoder.AddGroup(node, count);
            bytes += CodesFormat.BytesOf(count, padded);
            for (int first = 0; first < count; first += CodesFormat.BlockVectors)
            {
                blocks.Add(new Block(node, offset, count, first, firstSlot + first));
            }
        }

        if (blocks.Count == 0)
        {
            return false;
        }

        Encode(blocks);
        return true;
    }

    /// <summary>After the last batch.</summary>
    public void Finish()
    {
        if (coded.Documents is { } documents)
        {
            Array.ForEach(documents, encoder.AddDocument);
        }

        encoder.Finish(grouping.FlatCentroid);
    }

    private void Encode(List<Block> blocks)
    {
        fixed (float* flat = grouping.FlatCentroid)
        {
            nint pinned = (nint)flat;
            WorkerLoop.Run(blocks.Count, threads, () => new Scratch(grouping.Vectors.Dimensions, padded), (index, scratch) =>
            {
                cancellation.ThrowIfCancellationRequested();
                Encode(blocks[index], (float*)pinned, scratch);
            });
        }
    }

    private void Encode(in Block block, float* flat, Scratch scratch)
    {
        byte* group = encoder.Locate(block.Offset);
        byte* binary = group + (block.First / CodesFormat.BlockVectors * (long)CodesFormat.BlockBytes(padded));
        byte* rows = group + CodesFormat.RowsOffset(block.Count, padded) + (block.First * (long)CodesFormat.RowBytes(padded));
        float* centroid = grouping.CentroidOf(block.Node, flat, scratch.Centroid);
        BinaryCodes.Clear(binary, padded);
        int lanes = Math.Min(CodesFormat.BlockVectors, block.Count - block.First);
        for (int lane = 0; lane < lanes; lane++)
        {
            grouping.Vectors.Read(coded.Slots[block.FirstSlot + lane], scratch.Vector);
            Encode(grouping.Rotation, scratch, centroid, binary, rows + (lane * (long)CodesFormat.RowBytes(padded)), lane);
        }
    }

    /// <summary>Both codes of the vector in <see cref="Scratch.Vector"/>.</summary>
    internal static void Encode(RandomRotation rotation, Scratch scratch, float* centroid, byte* block, byte* row, int lane)
    {
        int padded = rotation.PaddedDimensions;
        rotation.Apply(scratch.Vector, scratch.Rotated);
        TensorPrimitives.Subtract(
            new ReadOnlySpan<float>(scratch.Rotated, padded), new ReadOnlySpan<float>(centroid, padded), new Span<float>(scratch.Residual, padded));
        BinaryCodes.Encode(scratch.Residual, centroid, padded, block, lane);
        OctalCodes.Encode(scratch.Residual, centroid, padded, row);
    }

    /// <summary>Up to 32 vectors of a group.</summary>
    /// <param name="Node">The group's.</param>
    /// <param name="Offset">Where the group's bytes are in the encoder.</param>
    /// <param name="Count">Vectors of the group.</param>
    /// <param name="First">The block's first vector within the group.</param>
    /// <param name="FirstSlot">Its slot.</param>
    private readonly record struct Block(int Node, long Offset, int Count, int First, int FirstSlot);

    /// <summary>What one thread needs.</summary>
    internal sealed class Scratch : IDisposable
    {
        private float* memory;

        public Scratch(int dimensions, int padded)
        {
            // The vector gets a padded row, too, so that every row is aligned.
            int stride = CodesFormat.Pad(Math.Max(dimensions, padded));
            memory = (float*)NativeMemory.AlignedAlloc((nuint)stride * 4 * sizeof(float), 64);
            Vector = memory;
            Rotated = memory + stride;
            Residual = Rotated + stride;
            Centroid = Residual + stride;
        }

        ~Scratch() => NativeMemory.AlignedFree(memory);

        public float* Vector { get; }

        public float* Rotated { get; }

        public float* Residual { get; }

        /// <summary>Room for a centroid.</summary>
        public float* Centroid { get; }

        public void Dispose()
        {
            NativeMemory.AlignedFree(memory);
            memory = null;
            GC.SuppressFinalize(this);
        }
    }
}
