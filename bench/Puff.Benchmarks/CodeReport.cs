using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: the kernels of vector search cost what the arithmetic allows. Method: nanoseconds for one vector of 768 dimensions, one thread, best of several
/// passes, beside the plain loop of the same kernel and a plain sum over the bytes that it reads. "Cached" codes fit into the second-level cache, the others
/// into none.
/// </summary>
internal static unsafe class CodeReport
{
    private const int Dimensions = 768;
    private const int Cached = 1024;
    private const int Large = 1 << 20;

    public static void Run()
    {
        Console.WriteLine($"vectors of {(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} bits");
        Console.WriteLine($"{"kernel",-26}{"ns",10}{"plain loop ns",15}{"plain read ns",15}");
        using (var codes = new CodedRows(Dimensions, Cached))
        {
            Preparation(codes);
            Scans("cached", codes, plainLoops: true);
            Widths(codes);
            Centroids(codes);
        }

        using (var codes = new CodedRows(Dimensions, Large))
        {
            Scans("memory", codes, plainLoops: false);
        }

        Products();
    }

    private static void Preparation(CodedRows codes)
    {
        float* rotated = (float*)NativeMemory.AlignedAlloc((nuint)codes.Padded * sizeof(float), 64);
        var plain = new float[codes.Padded];
        byte* scratch = (byte*)NativeMemory.AlignedAlloc((nuint)codes.Padded * 8, 64);
        double read = Read(codes.Vectors, Dimensions * sizeof(float));
        Line("rotate", Each(i => codes.Rotation.Apply(codes.Vector(i), rotated)), Each(i =>
            codes.Rotation.ApplyScalar(new Span<float>(codes.Vector(i), Dimensions), plain)), read);
        Line("encode 1 bit", Each(codes.EncodeBinary), Each(i =>
            BinaryCodes.EncodeScalar(codes.Vector(i), codes.Centroid, codes.Padded, scratch, 0)), 2 * read);
        Line("encode 3 bits", Each(codes.EncodeOctal), Each(i =>
            OctalCodes.EncodeScalar(codes.Vector(i), codes.Centroid, codes.Padded, 1, scratch)), 2 * read);
        Line("prepare query", Each(i => codes.Query.Prepare(codes.Vector(i))), Each(i =>
            LookUpTables.FillScalar(codes.Vector(i), codes.Padded, 1, scratch)), read);
        NativeMemory.AlignedFree(scratch);
        NativeMemory.AlignedFree(rotated);
    }

    private static void Scans(string where, CodedRows codes, bool plainLoops)
    {
        byte* lut = stackalloc byte[codes.Padded * 4];
        sbyte* query = stackalloc sbyte[codes.Padded];
        float* estimates = stackalloc float[BinaryCodes.BlockVectors];
        float* bounds = stackalloc float[BinaryCodes.BlockVectors];
        new Span<byte>(lut, codes.Padded * 4).Fill(100);
        new Span<sbyte>(query, codes.Padded).Fill(77);
        int blocks = codes.Count / BinaryCodes.BlockVectors;
        double scan = All(blocks, i => codes.Query.Scan(codes.Block(i), 1, uint.MaxValue, 0, estimates, bounds)) / BinaryCodes.BlockVectors;
        double octal = All(codes.Count, i => codes.Query.Octal(codes.Row(i), 1, out _, out _));
        double plainScan = double.NaN, plainOctal = double.NaN;
        if (plainLoops)
        {
            plainScan = All(blocks, i => FastScan.Scalar(codes.Block(i), lut, codes.Padded / 4, estimates)) / BinaryCodes.BlockVectors;
            plainOctal = All(codes.Count, i => OctalDot.Scalar(codes.Row(i), query, codes.Padded));
        }

        Line($"scan 1 bit, {where}", scan, plainScan, Read(codes.Blocks, codes.BlockBytes) / codes.Count);
        Line($"distance 3 bits, {where}", octal, plainOctal, Read(codes.Rows, codes.RowBytes) / codes.Count);
        if (!plainLoops)
        {
            // As a search comes to them: from all over the codes. Each is fetched while the eight before it are compared.
            double scattered = All(codes.Count, i =>
            {
                Fetch(codes.Row(Scattered(codes, i + 8)), codes.RowBytes / codes.Count);
                codes.Query.Octal(codes.Row(Scattered(codes, i)), 1, out _, out _);
            });
            Line("distance 3 bits, scattered", scattered, double.NaN, Read(codes.Rows, codes.RowBytes) / codes.Count);
        }
    }

    private static int Scattered(CodedRows codes, int index) => (int)(index * 2654435761L % codes.Count);

    private static void Fetch(byte* row, long bytes)
    {
        for (long offset = 0; offset < bytes && Sse.IsSupported; offset += 64)
        {
            Sse.Prefetch0(row + offset);
        }
    }

    /// <summary>The sum of products alone, at each width that there is.</summary>
    private static void Widths(CodedRows codes)
    {
        sbyte* query = stackalloc sbyte[codes.Padded];
        sbyte* grouped = stackalloc sbyte[codes.Padded];
        new Span<sbyte>(query, codes.Padded).Fill(77);
        new Span<sbyte>(grouped, codes.Padded).Fill(77);
        double plain = All(codes.Count, i => OctalDot.Scalar(codes.Row(i), query, codes.Padded));
        double read = Read(codes.Rows, codes.RowBytes) / codes.Count;
        if (Vector512.IsHardwareAccelerated)
        {
            Line("products 3 bits, 512", All(codes.Count, i => OctalDot.Compute512(codes.Row(i), query, grouped, codes.Padded)), plain, read);
        }

        Line("products 3 bits, 256", All(codes.Count, i =>
            OctalDot.Compute256(codes.Row(i), codes.Row(i) + codes.Padded / 4, query, codes.Padded)), plain, read);
        Line("products 3 bits, 128", All(codes.Count, i => OctalDot.Compute128(codes.Row(i), query, codes.Padded)), plain, read);
    }

    /// <summary>Distances to centroids, as they are kept and as singles.</summary>
    private static void Centroids(CodedRows codes)
    {
        var halves = (Half*)NativeMemory.AlignedAlloc((nuint)(Cached * codes.Padded * sizeof(Half)), 64);
        new Span<Half>(halves, Cached * codes.Padded).Fill((Half)0.5f);
        float* q = codes.Vector(0);
        double read = Read(halves, (long)Cached * codes.Padded * sizeof(Half)) / Cached;
        Line("centroid, 16 bits", Each(i => ScaledHalves.SquaredDistance(halves + (long)i * codes.Padded, 0.25f, q, codes.Padded)), double.NaN, read);
        Line("centroid, 32 bits", Each(i => SquaredEuclidean.Compute<F32Element>((byte*)codes.Vector(i), q, codes.Padded)), double.NaN, 2 * read);
        NativeMemory.AlignedFree(halves);
    }

    private static void Products()
    {
        const int Rows = 960;
        int* nearest = stackalloc int[Rows];
        Console.WriteLine();
        Console.WriteLine($"{"products of all pairs",-26}{"GFLOP/s",10}");
        foreach (int dimensions in new[] { 768, 1024, 1536 })
        {
            float* x = (float*)NativeMemory.AlignedAlloc((nuint)(Rows * dimensions * sizeof(float)), 64);
            float* result = (float*)NativeMemory.AlignedAlloc(Rows * Rows * sizeof(float), 64);
            new Span<float>(x, Rows * dimensions).Fill(0.5f);
            using var packed = PackedRows.Pack(x, Rows, dimensions, dimensions);
            double operations = 2.0 * Rows * Rows * dimensions;
            Rate($"{dimensions}", operations, () => Gemm.Dots(x, Rows, dimensions, packed, result, packed.PaddedCount));
            Rate($"{dimensions}, nearest only", operations, () => Gemm.Nearest(x, Rows, dimensions, packed, nearest, null));
            if (dimensions == 768)
            {
                Rate("768, plain loop, 8 rows", operations / Rows * 8 / 30, () => GemmTile.Scalar(x, dimensions, 8, packed.Panel(0), dimensions, result, 32));
                Rate("768, 256 bits, 6 rows", operations / Rows * 6 / 30, () => GemmTile.Compute256(x, dimensions, 6, packed.Panel(0), dimensions, result, 32));
                Rate("768, 128 bits, 6 rows", operations / Rows * 6 / 30, () => GemmTile.Compute128(x, dimensions, 6, packed.Panel(0), dimensions, result, 32));
            }

            NativeMemory.AlignedFree(x);
            NativeMemory.AlignedFree(result);
        }
    }

    private static void Rate(string name, double operations, Action action) =>
        Console.WriteLine($"{name,-26}{operations / Measure.Seconds(action, 15) / 1e9,10:F1}");

    /// <summary>Nanoseconds for one of the vectors in cache.</summary>
    private static double Each(Action<int> action) => All(Cached, action);

    private static double All(int count, Action<int> action)
    {
        void Once()
        {
            for (int i = 0; i < count; i++)
            {
                action(i);
            }
        }

        Measure.WarmUp(Once);
        return Measure.Seconds(Once, count <= Cached ? 50 : 7) / count * 1e9;
    }

    /// <summary>Nanoseconds of a plain sum over bytes.</summary>
    private static double Read(void* start, long bytes)
    {
        const int Repeats = 20;
        return Measure.Seconds(() =>
        {
            for (int i = 0; i < Repeats; i++)
            {
                GC.KeepAlive(PlainRead.Sum((byte*)start, bytes));
            }
        }) / Repeats * 1e9;
    }

    private static void Line(string kernel, double nanoseconds, double plainLoop, double plainRead) =>
        Console.WriteLine($"{kernel,-26}{nanoseconds,10:F1}{(double.IsNaN(plainLoop) ? "" : plainLoop.ToString("F1")),15}{plainRead,15:F1}");
}
