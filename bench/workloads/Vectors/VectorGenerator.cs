using System.Runtime.InteropServices;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Generated vectors of unit length. Rows are made in blocks, each from its own seeded stream, so that the result does not depend on the number of threads;
/// queries come from the same process and are not among the documents.
/// </summary>
internal sealed class VectorGenerator
{
    private const int BlockRows = 1024;
    private const int BlocksInFlight = 32;
    private const ulong GaussianStream = 1, TopicStream = 2, DocumentStream = 3, QueryStream = 4, BucketStream = 5;

    private readonly GeneratorShape shape;
    private readonly int dimensions;
    private readonly ulong seed;
    private readonly float[] gaussians = new float[1 << 16];
    private readonly float[] spectrum;
    private readonly float[] subtopics;
    private readonly double[] cumulativeSizes;

    public VectorGenerator(GeneratorShape shape, int dimensions, ulong seed)
    {
        this.shape = shape;
        this.dimensions = dimensions;
        this.seed = seed;
        FillGaussians();
        spectrum = Spectrum(shape.SpectrumExponent, dimensions);
        subtopics = Subtopics();
        cumulativeSizes = CumulativeSizes();
    }

    public void WriteDocuments(string path, int rows) => Write(path, rows, DocumentStream);

    public void WriteQueries(string path, int rows) => Write(path, rows, QueryStream);

    /// <summary>Uniform numbers 0..999, independent of the vectors: "bucket &lt; 10" matches 1 % of the documents.</summary>
    public static int[] Buckets(int rows, ulong seed)
    {
        var buckets = new int[rows];
        for (int i = 0; i < rows; i++)
        {
            buckets[i] = (int)(SeededBits.Of(seed, BucketStream, (ulong)i).Next() % 1000);
        }

        return buckets;
    }

    private void Write(string path, int rows, ulong stream) => VectorFile.Write(path, VectorFileType.F32, rows, dimensions, output =>
    {
        int blocks = (rows + BlockRows - 1) / BlockRows;
        var buffers = new float[BlocksInFlight][];
        for (int first = 0; first < blocks; first += BlocksInFlight)
        {
            int count = Math.Min(BlocksInFlight, blocks - first);
            Parallel.For(0, count, i => FillBlock(buffers[i] ??= new float[BlockRows * dimensions], stream, first + i));
            for (int i = 0; i < count; i++)
            {
                int blockRows = Math.Min(BlockRows, rows - (first + i) * BlockRows);
                output.Write(MemoryMarshal.AsBytes(buffers[i].AsSpan(0, blockRows * dimensions)));
            }
        }
    });

    private void FillBlock(float[] buffer, ulong stream, int block)
    {
        var bits = SeededBits.Of(seed, stream, (ulong)block);
        for (int row = 0; row < BlockRows; row++)
        {
            FillRow(buffer.AsSpan(row * dimensions, dimensions), ref bits);
        }
    }

    private void FillRow(Span<float> row, ref SeededBits bits)
    {
        int subtopic = Array.BinarySearch(cumulativeSizes, bits.NextDouble() * cumulativeSizes[^1]);
        subtopic = Math.Min(subtopic < 0 ? ~subtopic : subtopic, cumulativeSizes.Length - 1);
        var centre = subtopics.AsSpan(subtopic * dimensions, dimensions);
        float spread = (float)(shape.PointSpread * (0.7 + 0.6 * bits.NextDouble()));
        float squares = 0;
        for (int d = 0; d < row.Length;)
        {
            ulong word = bits.Next();
            for (int part = 0; part < 4 && d < row.Length; part++, d++, word >>= 16)
            {
                float value = centre[d] + spread * gaussians[(ushort)word] * spectrum[d];
                row[d] = value;
                squares += value * value;
            }
        }

        float scale = 1 / MathF.Sqrt(squares);
        for (int d = 0; d < row.Length; d++)
        {
            row[d] *= scale;
        }
    }

    /// <summary>A table of normal deviates (Box–Muller), drawn from by 16 random bits: quick, and good to four standard deviations.</summary>
    private void FillGaussians()
    {
        var bits = SeededBits.Of(seed, GaussianStream, 0);
        for (int i = 0; i < gaussians.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - bits.NextDouble()));
            gaussians[i] = (float)(radius * Math.Cos(2 * Math.PI * bits.NextDouble()));
        }
    }

    private static float[] Spectrum(double exponent, int dimensions)
    {
        var raw = Enumerable.Range(0, dimensions).Select(i => Math.Pow(i + 5, -exponent)).ToArray();
        double norm = Math.Sqrt(raw.Sum(r => r * r));
        return Array.ConvertAll(raw, r => (float)(r / norm));
    }

    private float[] Subtopics()
    {
        var bits = SeededBits.Of(seed, TopicStream, 0);
        var centres = new float[GeneratorShape.Topics * GeneratorShape.SubtopicsPerTopic * dimensions];
        var topic = new float[dimensions];
        for (int s = 0; s < GeneratorShape.Topics * GeneratorShape.SubtopicsPerTopic; s++)
        {
            for (int d = 0; d < dimensions && s % GeneratorShape.SubtopicsPerTopic == 0; d++)
            {
                topic[d] = (float)shape.TopicSpread * Gaussian(ref bits) * spectrum[d];
            }

            for (int d = 0; d < dimensions; d++)
            {
                centres[s * dimensions + d] = topic[d] + (float)shape.SubtopicSpread * Gaussian(ref bits) * spectrum[d];
            }
        }

        return centres;
    }

    private float Gaussian(ref SeededBits bits) => gaussians[(ushort)(bits.Next() >> 48)];

    /// <summary>Ranks are dealt out by a stride that has no factor in common with their number, so that the subtopics of a topic differ in size.</summary>
    private static double[] CumulativeSizes()
    {
        const int count = GeneratorShape.Topics * GeneratorShape.SubtopicsPerTopic;
        const int stride = 1777;
        var sums = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += Math.Pow(1 + (long)i * stride % count, -GeneratorShape.SizeExponent);
            sums[i] = sum;
        }

        return sums;
    }
}
