using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.TestKit.Segments;

namespace Puff.TestKit.Formats;

/// <summary>Ways to damage a small object. The same seed gives the same damage.</summary>
internal static class Damage
{
    /// <summary>Every proper beginning of the object.</summary>
    public static IEnumerable<byte[]> Truncations(byte[] whole) => Enumerable.Range(0, whole.Length).Select(length => whole[..length]);

    /// <summary>Every object that differs in one bit.</summary>
    public static IEnumerable<byte[]> FlippedBits(byte[] whole)
    {
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] damaged = whole.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return damaged;
        }
    }

    /// <summary>Objects with one to three changed bytes and valid checksums: what only the checks behind the checksums can find.</summary>
    /// <param name="whole">The object.</param>
    /// <param name="reseal">Puts valid checksums on a changed object.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Where and what.</param>
    public static IEnumerable<byte[]> Resealed(byte[] whole, Action<byte[]> reseal, int count, int seed)
    {
        var random = new Xorshift(seed);
        for (int i = 0; i < count; i++)
        {
            byte[] damaged = whole.ToArray();
            for (int changes = 1 + random.Next(3); changes > 0; changes--)
            {
                int at = random.Next(3) == 0 ? random.Next(Math.Min(200, whole.Length)) : random.Next(whole.Length);
                damaged[at] = random.Next(3) switch
                {
                    0 => (byte)(damaged[at] ^ 1 << random.Next(8)),
                    1 => (byte)random.Next(256),
                    _ => (byte)(random.Next(2) * 255),
                };
            }

            reseal(damaged);
            yield return damaged;
        }
    }

    /// <summary>The checksum at the end of an envelope.</summary>
    public static void ResealEnvelope(byte[] content) =>
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan()[^Envelope.TrailerBytes..], Crc32C.Compute(content.AsSpan()[..^Envelope.TrailerBytes]));

    /// <summary>The checksums of the sections a WAL entry's table describes, as far as they lie inside, then the header's.</summary>
    public static void ResealWalEntry(byte[] entry)
    {
        const int checksum = 72;
        int sections = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(64)), WalEntryFormat.MaxSections);
        int table = Math.Min(WalEntryFormat.HeaderBytes + sections * WalEntryFormat.TableEntryBytes, entry.Length);
        for (int at = WalEntryFormat.HeaderBytes; at + WalEntryFormat.TableEntryBytes <= table; at += WalEntryFormat.TableEntryBytes)
        {
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(at + 8));
            long length = BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(at + 16));
            if (offset >= 0 && length >= 0 && offset <= entry.Length - length)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(at + 24), Crc32C.Compute(entry.AsSpan((int)offset, (int)length)));
            }
        }

        uint state = Crc32C.Append(~0u, entry.AsSpan(0, checksum));
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(checksum), ~Crc32C.Append(state, entry.AsSpan(checksum + 4, table - checksum - 4)));
    }
}
