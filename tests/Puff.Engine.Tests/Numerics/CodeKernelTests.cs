using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

/// <summary>Integer kernels and encoders: every width gives the bits of the plain loop.</summary>
public sealed unsafe class CodeKernelTests
{
    private static readonly int[] Lengths = [64, 128, 192, 256, 320, 448, 768, 1536, 2048, 2112, 10752];

    private delegate void Adder(byte* codes, byte* lut, int tables, float* sums);

    [Fact]
    public void Table_sums_of_every_width_are_those_of_the_plain_loop()
    {
        foreach (int tables in new[] { 16, 32, 48, 192, 384, 496, FastScan.MaxTables })
        {
            var random = new Random(tables);
            byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)tables * 32, 64);
            byte* lut = memory + tables * 16;
            random.NextBytes(new Span<byte>(memory, tables * 16));
            for (int round = 0; round < 3; round++)
            {
                for (int i = 0; i < tables * 16; i++)
                {
                    lut[i] = (byte)(round == 0 ? random.Next(128) : LookUpTables.MaxEntry);
                }

                float[] expected = Sums(FastScan.Scalar, memory, lut, tables);
                Assert.Equal(expected, Sums(FastScan.Add, memory, lut, tables));
                Assert.Equal(expected, Sums(FastScan.Add128, memory, lut, tables));
                if (Avx2.IsSupported)
                {
                    Assert.Equal(expected, Sums(FastScan.Add256, memory, lut, tables));
                }

                if (Avx512BW.IsSupported)
                {
                    Assert.Equal(expected, Sums(FastScan.Add512, memory, lut, tables));
                }
            }

            NativeMemory.AlignedFree(memory);
        }
    }

    [Fact]
    public void Products_of_octal_digits_of_every_width_are_those_of_the_plain_loop()
    {
        foreach (int padded in Lengths)
        {
            var random = new Random(padded);
            byte* row = (byte*)NativeMemory.AlignedAlloc((nuint)padded * 3, 64);
            var query = (sbyte*)(row + padded);
            sbyte* paired = query + padded;
            foreach (int extreme in new[] { 0, 127, -127 })
            {
                random.NextBytes(new Span<byte>(row, padded / 2));
                for (int i = 0; i < padded; i++)
                {
                    query[i] = (sbyte)(extreme == 0 ? random.Next(-127, 128) : extreme);
                    row[i / 2] = extreme == 0 ? row[i / 2] : (byte)255;
                }

                OctalDot.Group(query, paired, padded);
                int expected = OctalDot.Scalar(row, query, padded);
                Assert.Equal(expected, OctalDot.Compute(row, query, paired, padded));
                Assert.Equal(expected, OctalDot.Compute128(row, query, padded));
                if (Avx2.IsSupported)
                {
                    Assert.Equal(expected, OctalDot.Compute256(row, row + padded / 4, query, padded));
                }

                if (Avx512BW.IsSupported)
                {
                    Assert.Equal(expected, OctalDot.Compute512(row, query, paired, padded));
                }
            }

            NativeMemory.AlignedFree(row);
        }
    }

    [Fact]
    public void Queries_are_prepared_as_by_the_plain_loops()
    {
        foreach (int padded in Lengths)
        {
            using var query = NativeFloats.Gaussian(new Random(padded), padded);
            var measured = QueryElements.Measure(query.Pointer, padded);
            float[] values = query.Span.ToArray();
            Assert.Equal(values.Sum(value => (double)value), measured.Sum, 1e-9 * padded);
            Assert.Equal(values.Sum(value => (double)Math.Abs(value)), measured.AbsoluteSum, 1e-9 * padded);
            Assert.Equal(values.Max(Math.Abs), measured.Largest);
            Assert.Equal(values.Chunk(4).Max(four => four.Sum(Math.Abs)), measured.Range, 1e-5);
            CompareTables(query.Pointer, padded, LookUpTables.MaxEntry / measured.Range);
            CompareElements(query.Pointer, padded, QueryElements.MaxElement / measured.Largest);
        }
    }

    [Fact]
    public void Encoders_agree_with_the_plain_loops()
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            return; // the plain loop is the encoder there
        }

        foreach (int padded in Lengths)
        {
            var random = new Random(padded);
            using var residual = NativeFloats.Gaussian(random, padded);
            using var centroid = NativeFloats.Gaussian(random, padded, 10);
            residual.Pointer[3] = -0f;
            CompareBinary(residual.Pointer, centroid.Pointer, padded, random.Next(32));
            CompareOctal(residual.Pointer, centroid.Pointer, padded);
        }
    }

    [Fact]
    public void A_lane_is_written_without_touching_the_others()
    {
        const int Padded = 192;
        var random = new Random(3);
        using var vectors = NativeFloats.Gaussian(random, 40 * Padded);
        using var centroid = NativeFloats.Gaussian(random, Padded);
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)BinaryCodes.BlockBytes(Padded), 64);
        BinaryCodes.Clear(block, Padded);
        int[] order = [.. Enumerable.Range(0, 32).OrderBy(_ => random.Next())];
        foreach (int lane in order.Take(8))
        {
            BinaryCodes.Encode(vectors.Pointer + (lane + 8) * Padded, centroid.Pointer, Padded, block, lane); // overwritten below
        }

        foreach (int lane in order)
        {
            BinaryCodes.Encode(vectors.Pointer + lane * Padded, centroid.Pointer, Padded, block, lane);
        }

        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < Padded; i++)
            {
                int code = block[BinaryCodes.FactorBytes + i / 4 * 16 + BinaryCodes.LaneByte(lane)] >> (lane < 16 ? 0 : 4) & 15;
                Assert.Equal(vectors.Pointer[lane * Padded + i] >= 0, (code >> i % 4 & 1) != 0);
            }
        }

        NativeMemory.AlignedFree(block);
    }

    [Fact]
    public void Bounds_of_every_width_are_those_of_the_plain_loop()
    {
        var random = new Random(8);
        using var memory = NativeFloats.Gaussian(random, 8 * 32);
        float* factors = memory.Pointer;
        float* sums = factors + 64;
        float* expected = sums + 32;
        float* actual = expected + 64;
        var packed = (uint*)factors + 32;
        for (int lane = 0; lane < 32; lane++)
        {
            packed[lane] = new CodeFactors(0, factors[32 + lane], (float)random.NextDouble()).Pack();
        }

        factors[3] = float.PositiveInfinity;
        packed[5] = CodeFactors.Unknown.Pack();
        factors[32 + 21] = float.NaN;
        factors[1] = float.NegativeInfinity;
        foreach (float distance in new[] { 0, 1, float.NaN, float.PositiveInfinity })
        {
            for (int round = 0; round < 20; round++)
            {
                uint lanes = round == 0 ? uint.MaxValue : (uint)random.NextInt64();
                var scan = new ScanBounds
                {
                    TableStep = 0.3f,
                    TableBias = -0.2f,
                    TableError = round % 2 == 0 ? 0.1f : float.PositiveInfinity,
                    Distance = distance,
                    Spread = 1.9f * MathF.Sqrt(distance),
                    DistanceSlack = 0.01f,
                    Threshold = round % 3 == 0 ? float.PositiveInfinity : 0.3f,
                };
                uint kept = scan.Scalar(factors, sums, lanes, expected, expected + 32);
                new Span<float>(actual, 64).Clear();
                Assert.Equal(kept, scan.Apply(factors, sums, lanes, actual, actual + 32));
                CompareLanes(kept, expected, actual);
                for (int lane = 0; lane < 32; lane += 8)
                {
                    uint eight = scan.Bound256(factors + lane, sums + lane, lanes >> lane & 0xFF, actual + lane, actual + 32 + lane);
                    Assert.Equal(kept >> lane & 0xFF, eight);
                }

                CompareLanes(kept, expected, actual);
            }
        }
    }

    private static void CompareLanes(uint kept, float* expected, float* actual)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            if ((kept >> lane & 1) != 0)
            {
                Assert.Equal(expected[lane], actual[lane]);
                Assert.Equal(expected[lane + 32], actual[lane + 32]);
            }
        }
    }

    private static float[] Sums(Adder add, byte* codes, byte* lut, int tables)
    {
        // Not zero: sums of several chunks come together.
        var sums = new float[BinaryCodes.BlockVectors];
        sums.AsSpan().Fill(100_000);
        fixed (float* pinned = sums)
        {
            add(codes, lut, tables, pinned);
        }

        return sums;
    }

    private static void CompareTables(float* query, int padded, float inverseStep)
    {
        var plain = new byte[padded * 4];
        fixed (byte* p = plain)
        {
            LookUpTables.FillScalar(query, padded, inverseStep, p);
        }

        foreach (bool narrow in new[] { false, true })
        {
            var fast = new byte[padded * 4];
            fixed (byte* f = fast)
            {
                if (narrow)
                {
                    LookUpTables.Fill128(query, padded, inverseStep, f);
                }
                else
                {
                    LookUpTables.Fill(query, padded, inverseStep, f);
                }
            }

            Assert.Equal(plain, fast);
        }

        Assert.Equal(LookUpTables.MaxEntry, plain.Max());
        Assert.Equal(0, plain.Min());
    }

    private static void CompareElements(float* query, int padded, float inverseStep)
    {
        var plain = new sbyte[padded];
        var fast = new sbyte[padded];
        fixed (sbyte* p = plain, f = fast)
        {
            Assert.Equal(QueryElements.RoundScalar(query, padded, inverseStep, p), QueryElements.Round(query, padded, inverseStep, f));
        }

        Assert.Equal(plain, fast);
        Assert.Equal(QueryElements.MaxElement, plain.Max(element => Math.Abs((int)element)));
    }

    private static void CompareBinary(float* residual, float* centroid, int padded, int lane)
    {
        var fast = new byte[BinaryCodes.BlockBytes(padded)];
        var plain = new byte[BinaryCodes.BlockBytes(padded)];
        int shift = lane < 16 ? 0 : 4;
        fixed (byte* f = fast, p = plain)
        {
            var actual = BinaryCodes.Encode256(residual, centroid, padded, f + BinaryCodes.LaneByte(lane), shift);
            var expected = BinaryCodes.EncodeScalar(residual, centroid, padded, p + BinaryCodes.LaneByte(lane), shift);
            Assert.Equal(expected.SquaredNorm, actual.SquaredNorm, 1e-5 * expected.SquaredNorm);
            Assert.Equal(expected.AbsoluteSum, actual.AbsoluteSum, 1e-5 * expected.AbsoluteSum);
            Assert.Equal(expected.Centroid, actual.Centroid, 1e-6);
        }

        Assert.Equal(plain, fast);
    }

    private static void CompareOctal(float* residual, float* centroid, int padded)
    {
        var fast = new byte[OctalCodes.CodeBytes(padded)];
        var plain = new byte[OctalCodes.CodeBytes(padded)];
        fixed (byte* f = fast, p = plain)
        {
            var actual = OctalCodes.Encode256(residual, centroid, padded, 1.7f, f);
            var expected = OctalCodes.EncodeScalar(residual, centroid, padded, 1.7f, p);
            Assert.Equal(expected.SquaredNorm, actual.SquaredNorm, 1e-5 * expected.SquaredNorm);
            Assert.Equal(expected.Residual, actual.Residual, 1e-5 * expected.Residual);
            Assert.Equal(expected.Centroid, actual.Centroid, 1e-5 * padded);
        }

        Assert.Equal(plain, fast);
    }
}
