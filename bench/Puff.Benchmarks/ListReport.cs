using System.Globalization;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: what other forms of an attribute's lists and a zone map would save (docs/adr/0006). Method: bytes, and the time to set a list's documents in a bit set
/// over a million, best of many passes, one thread: plain 32-bit numbers, differences in packed blocks of 128, containers of 2^16 documents (16-bit array, bits
/// or runs, whichever is smallest). Then a comparison of a column with and without the least and greatest value of every 4,096 rows.
/// </summary>
internal static unsafe class ListReport
{
    private const int Documents = 1_000_000;
    private const int Container = 1 << 16;
    private const int Block = PackedIntegers.BlockLength;

    public static void Run()
    {
        Console.WriteLine($"{"list",-34}{"plain",22}{"packed",22}{"containers",22}");
        var random = new Random(1);
        foreach (int share in new[] { 1_000, 100, 12, 2 })
        {
            Lists($"1 in {share}, anywhere", [.. Enumerable.Range(0, Documents).Where(_ => random.Next(share) == 0)]);
        }

        Lists("1 in 12, 1,000 side by side", [.. Enumerable.Range(0, Documents).Where(d => d / 1_000 % 12 == 0)]);
        Zones("different values anywhere", [.. Enumerable.Range(0, Documents).Select(_ => random.NextInt64(Documents))]);
        Zones("ascending values", [.. Enumerable.Range(0, Documents).Select(d => (long)d)]);
    }

    private static void Lists(string name, int[] list)
    {
        var result = new BitSet(Documents);
        var expected = new BitSet(Documents);
        Array.ForEach(list, d => expected[d] = true);
        double plain = Best(result, () => SetAll(list, result.Words), expected);
        var (packed, starts) = Pack(list);
        double unpacked = Best(result, () => Unpack(packed, starts, list, result.Words), expected);
        var containers = Contain(list);
        double contained = Best(result, () => containers.ForEach(c => c.AddTo(result.Words)), expected);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-34}{Cell(list.Length * 4L, plain),22}{Cell(packed.Length + starts.Length * 5L, unpacked),22}"
            + $"{Cell(containers.Sum(c => (long)c.Bytes), contained),22}"));
    }

    private static string Cell(long bytes, double microseconds) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F1} kB {microseconds:F1} µs");

    private static void SetAll(ReadOnlySpan<int> list, Span<ulong> words)
    {
        foreach (int document in list)
        {
            words[document >> 6] |= 1UL << document;
        }
    }

    /// <summary>Blocks, and of each its width and where it begins.</summary>
    private static (byte[] Bytes, (int Offset, byte Bits)[] Starts) Pack(int[] list)
    {
        var bytes = new List<byte>();
        var starts = new List<(int, byte)>();
        int before = -1;
        foreach (int[] block in list.Chunk(Block))
        {
            var gaps = new uint[block.Length];
            for (int i = 0; i < gaps.Length; i++)
            {
                gaps[i] = (uint)(block[i] - before - 1);
                before = block[i];
            }

            int bits = PackedIntegers.WidthOf(gaps);
            starts.Add((bytes.Count, (byte)bits));
            byte[] packed = new byte[PackedIntegers.Bytes(bits, gaps.Length)];
            PackedIntegers.Pack(gaps, bits, packed);
            bytes.AddRange(packed);
        }

        return ([.. bytes], [.. starts]);
    }

    private static void Unpack(byte[] packed, (int Offset, byte Bits)[] starts, int[] list, Span<ulong> words)
    {
        int* documents = stackalloc int[Block];
        uint before = uint.MaxValue;
        fixed (byte* first = packed)
        {
            for (int block = 0; block < starts.Length; block++)
            {
                int count = Math.Min(Block, list.Length - block * Block);
                PackedIntegers.UnpackAscending(first + starts[block].Offset, starts[block].Bits, count, before, (uint*)documents);
                before = (uint)documents[count - 1];
                SetAll(new ReadOnlySpan<int>(documents, count), words);
            }
        }
    }

    private static List<Contained> Contain(int[] list) =>
        [.. list.GroupBy(d => d / Container).Select(g => Contained.Of(g.Key * Container, [.. g.Select(d => (ushort)(d % Container))]))];

    private static void Zones(string name, long[] values)
    {
        byte[] memory = GC.AllocateArray<byte>(values.Length * sizeof(long), pinned: true);
        MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(memory);
        var region = new MemoryRegion((byte*)Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0), memory.Length);
        var column = new ScalarColumn(TypeKind.Int, values.Length, new BitSet(values.Length, value: true), region);
        const long Operand = Documents - Documents / 10;
        var matcher = ScalarMatcher.Create(TypeKind.Int, Comparison.GreaterOrEqual, Operand);
        var result = new BitSet(Documents);
        double scan = Best(result, () => matcher.Evaluate(column, result.Words, default), null);
        var expected = result.Clone();
        double build = Best(result, () => GC.KeepAlive(new ColumnZones(column)), null);
        double zoned = Best(result, () => EvaluateByZones(column, Operand, result.Words), expected);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Gte 10 %, {name}: scan {scan:F1} µs, by zones {zoned:F1} µs, making the zones {build:F1} µs"));
    }

    private static void EvaluateByZones(ScalarColumn column, long operand, Span<ulong> words)
    {
        const int Rows = 1 << ColumnZones.Shift;
        for (int first = 0; first < column.Count; first += Rows)
        {
            var (least, greatest) = column.Zones.Ends(column, first, first + 1)!.Value;
            int end = Math.Min(first + Rows, column.Count);
            var own = words[(first >> 6)..((end + 63) >> 6)];
            if (greatest < operand)
            {
                own.Clear();
            }
            else if (least >= operand && (end & 63) == 0)
            {
                own.Fill(ulong.MaxValue);
            }
            else
            {
                ScalarLanes.Compare<ScalarLanes.SignedGreaterOrEqual>(column.Values[first..end], operand, own, accumulate: false);
            }
        }
    }

    private static double Best(BitSet result, Action run, BitSet? expected)
    {
        Measure.WarmUp(run);
        result.ClearAll();
        double best = Measure.Seconds(run, rounds: 100) * 1e6;
        return expected is null || result.Words.SequenceEqual(expected.Words) ? best : throw new InvalidOperationException("the bits are wrong");
    }

    /// <summary>One container: runs as pairs of first and length, numbers, or words.</summary>
    private sealed record Contained(int First, (ushort First, ushort Length)[]? Runs, ushort[]? Numbers, ulong[]? Words)
    {
        public int Bytes => 8 + (Runs?.Length * 4 ?? Numbers?.Length * 2 ?? Words!.Length * 8);

        public static Contained Of(int first, ushort[] numbers)
        {
            var runs = new List<(ushort First, ushort Length)>();
            foreach (ushort number in numbers)
            {
                if (runs.Count > 0 && runs[^1].First + runs[^1].Length + 1 == number)
                {
                    runs[^1] = (runs[^1].First, (ushort)(runs[^1].Length + 1));
                }
                else
                {
                    runs.Add((number, 0));
                }
            }

            if (runs.Count * 4 < Math.Min(numbers.Length * 2, Container / 8))
            {
                return new Contained(first, [.. runs], null, null);
            }

            if (numbers.Length * 2 < Container / 8)
            {
                return new Contained(first, null, numbers, null);
            }

            var words = new ulong[Container / 64];
            Array.ForEach(numbers, n => words[n >> 6] |= 1UL << n);
            return new Contained(first, null, null, words);
        }

        public void AddTo(Span<ulong> all)
        {
            var own = all[(First >> 6)..Math.Min((First + Container) >> 6, all.Length)];
            if (Words is not null)
            {
                System.Numerics.Tensors.TensorPrimitives.BitwiseOr(own, Words.AsSpan(0, own.Length), own);
            }

            foreach (ushort number in Numbers ?? [])
            {
                own[number >> 6] |= 1UL << number;
            }

            foreach (var (first, length) in Runs ?? [])
            {
                for (int number = first; number <= first + length;)
                {
                    int bits = Math.Min(64 - (number & 63), first + length + 1 - number);
                    own[number >> 6] |= ulong.MaxValue >> (64 - bits) << number;
                    number += bits;
                }
            }
        }
    }
}
