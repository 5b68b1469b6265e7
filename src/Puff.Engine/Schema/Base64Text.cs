using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Puff.Engine.Schema;

/// <summary>Base64 attribute values: `bytes`, and vectors as the f32 little-endian bytes whatever the column's width (turbopuffer-api 2.5).</summary>
internal static class Base64Text
{
    public static byte[] Decode(string name, byte[] utf8)
    {
        byte[] buffer = new byte[Base64.GetMaxDecodedFromUtf8Length(utf8.Length)];
        int written = Decode(name, utf8, buffer);
        return written == buffer.Length ? buffer : buffer[..written];
    }

    public static float[] DecodeVector(string name, byte[] utf8)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Base64.GetMaxDecodedFromUtf8Length(utf8.Length));
        try
        {
            int written = Decode(name, utf8, buffer);
            CheckWholeFloats(name, written);

            // Every platform .NET 10 runs Puff on is little-endian.
            return MemoryMarshal.Cast<byte, float>(buffer.AsSpan(0, written)).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Bytes of a base64 vector, without decoding it.</summary>
    public static int DecodedLength(string name, byte[] utf8)
    {
        if (!Base64.IsValid(utf8, out int length))
        {
            throw NotBase64(name);
        }

        CheckWholeFloats(name, length);
        return length;
    }

    private static int Decode(string name, ReadOnlySpan<byte> utf8, Span<byte> destination)
    {
        var status = Base64.DecodeFromUtf8(utf8, destination, out int consumed, out int written);
        return status == OperationStatus.Done && consumed == utf8.Length ? written : throw NotBase64(name);
    }

    private static void CheckWholeFloats(string name, int length)
    {
        if (length % sizeof(float) != 0)
        {
            throw PuffException.Invalid($"attribute \"{name}\": a base64 vector holds 4 bytes a dimension; this one has {length} bytes");
        }
    }

    private static PuffException NotBase64(string name) => PuffException.Invalid($"attribute \"{name}\": the string is no valid base64");
}
