using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.TestKit.Formats;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>The directory of opening objects: it reads back, and damaged ones are refused or, with good checksums, stay within bounds.</summary>
public sealed class OpeningFormatTests
{
    private static readonly OpeningEntry[] Entries =
    [
        new("ns/docs/tree/1", 200_000, [new OpeningRun(0, 200_000, 0)]),
        new("ns/docs/seg/2.codes", 10_000_000, [new OpeningRun(65_536, 131_072, 0), new OpeningRun(9_961_472, 38_528, 0)]),
        new("ns/docs/seg/2.rows", 0, []),
    ];

    [Fact]
    public void A_directory_reads_back_with_the_places_of_its_runs()
    {
        byte[] whole = Write();
        foreach (byte[] content in new[] { whole, [.. whole, .. new byte[1_000]] })
        {
            var read = OpeningFormat.ReadDirectory(content);
            Assert.Equal(Entries.Select(e => (e.Key, e.Bytes)), read.Select(e => (e.Key, e.Bytes)));
            long[] positions = [.. read.SelectMany(e => e.Runs).Select(r => r.Position)];
            Assert.Equal([whole.Length, whole.Length + 200_000L, whole.Length + 331_072L], positions);
            Assert.Equal(Entries.SelectMany(e => e.Runs), read.SelectMany(e => e.Runs).Select(r => r with { Position = 0 }));
        }
    }

    [Fact]
    public void Every_truncation_and_every_flipped_bit_is_refused()
    {
        byte[] whole = Write();
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)))
        {
            Assert.Throws<CorruptDataException>(() => OpeningFormat.ReadDirectory(damaged));
        }
    }

    [Fact]
    public void What_has_a_good_checksum_is_refused_or_has_runs_within_their_objects()
    {
        byte[] whole = Write();
        int read = 0;
        foreach (byte[] damaged in Damage.Resealed(whole, Reseal, 20_000, seed: 3))
        {
            try
            {
                foreach (var entry in OpeningFormat.ReadDirectory(damaged))
                {
                    Assert.All(entry.Runs, r => Assert.True(r.Offset >= 0 && r.Length >= 0 && r.Offset + r.Length <= entry.Bytes && r.Position > 0));
                }

                read++;
            }
            catch (Exception refused) when (refused is CorruptDataException or OverflowException)
            {
                // As it should be.
            }
        }

        Assert.True(read > 100, $"{read} were read");
    }

    private static byte[] Write()
    {
        using var writer = new ByteWriter();
        OpeningFormat.WriteDirectory(writer, Entries);
        return writer.Written.AsSpan().ToArray();
    }

    /// <summary>The checksum of the directory as long as it says it is.</summary>
    private static void Reseal(byte[] content)
    {
        long length = OpeningFormat.HeaderBytes + (long)BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(8));
        if (length <= content.Length - 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan((int)length), Crc32C.Compute(content.AsSpan(0, (int)length)));
        }
    }
}
