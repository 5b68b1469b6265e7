using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Encoding;

/// <summary>
/// Vectors as text: base64 of little-endian elements, and JSON arrays of numbers. Elements of halves and bytes leave as singles, so that both forms show
/// the number that is stored: the half nearest to 0.7 is written as 0.7001953.
/// </summary>
public static class VectorText
{
    // The longest shortest form, "-1.1754944E-38", with a comma and some slack.
    private const int LongestNumber = 24;
    private const int NumbersAtOnce = 128;

    /// <summary>Decodes base64 (standard alphabet, padded, without white space) of little-endian singles.</summary>
    /// <param name="base64">ASCII bytes, without quotes.</param>
    /// <param name="values">The finite numbers.</param>
    /// <param name="error">Why there are none; completes a sentence that begins with the attribute's name.</param>
    public static bool TryDecodeBase64(ReadOnlySpan<byte> base64, [NotNullWhen(true)] out float[]? values, [NotNullWhen(false)] out string? error)
    {
        if (!TryDecode(base64, "f32", out values, out error))
        {
            return false;
        }

        if (!BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<float, int>(values.AsSpan());
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        return values.Length == 0 || TensorPrimitives.IsFiniteAll<float>(values) || Refuse(ref values, out error);
    }

    /// <summary>Decodes base64 (standard alphabet, padded, without white space) of little-endian halves.</summary>
    /// <param name="base64">ASCII bytes, without quotes.</param>
    /// <param name="values">The finite numbers.</param>
    /// <param name="error">Why there are none; completes a sentence that begins with the attribute's name.</param>
    public static bool TryDecodeBase64(ReadOnlySpan<byte> base64, [NotNullWhen(true)] out Half[]? values, [NotNullWhen(false)] out string? error)
    {
        if (!TryDecode(base64, "f16", out values, out error))
        {
            return false;
        }

        if (!BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<Half, short>(values.AsSpan());
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        return values.Length == 0 || TensorPrimitives.IsFiniteAll<Half>(values) || Refuse(ref values, out error);
    }

    /// <summary>Writes base64 of little-endian singles, without quotes.</summary>
    public static void WriteBase64(ReadOnlySpan<float> values, IBufferWriter<byte> output)
    {
        var bytes = MemoryMarshal.AsBytes(values);
        if (!BitConverter.IsLittleEndian)
        {
            var reversed = new int[values.Length];
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, int>(values), reversed);
            bytes = MemoryMarshal.AsBytes<int>(reversed);
        }

        var target = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length));
        Base64.EncodeToUtf8(bytes, target, out _, out int written);
        output.Advance(written);
    }

    /// <summary>Writes base64 of the halves as little-endian singles, without quotes.</summary>
    public static void WriteBase64(ReadOnlySpan<Half> values, IBufferWriter<byte> output)
    {
        var singles = ArrayPool<float>.Shared.Rent(values.Length);
        TensorPrimitives.ConvertToSingle(values, singles);
        WriteBase64(singles.AsSpan(0, values.Length), output);
        ArrayPool<float>.Shared.Return(singles);
    }

    /// <summary>Writes base64 of the bytes as little-endian singles, without quotes.</summary>
    public static void WriteBase64(ReadOnlySpan<sbyte> values, IBufferWriter<byte> output)
    {
        var singles = ArrayPool<float>.Shared.Rent(values.Length);
        TensorPrimitives.ConvertTruncating<sbyte, float>(values, singles);
        WriteBase64(singles.AsSpan(0, values.Length), output);
        ArrayPool<float>.Shared.Return(singles);
    }

    /// <summary>Writes a JSON array in which every number is the shortest that reads back as the same single.</summary>
    /// <param name="values">Finite numbers.</param>
    public static void WriteJson(ReadOnlySpan<float> values, IBufferWriter<byte> output) => WriteArray(values, output, value => value);

    /// <summary>Writes a JSON array in which every number is the shortest that reads back as the single of the same value.</summary>
    /// <param name="values">Finite numbers.</param>
    public static void WriteJson(ReadOnlySpan<Half> values, IBufferWriter<byte> output) => WriteArray(values, output, value => (float)value);

    /// <summary>Writes a JSON array of integers.</summary>
    public static void WriteJson(ReadOnlySpan<sbyte> values, IBufferWriter<byte> output) => WriteArray(values, output, value => (int)value);

    /// <summary>Writes the shortest JSON number that reads back as the same single.</summary>
    /// <exception cref="ArgumentException">JSON has no form for infinities and NaN.</exception>
    public static void WriteJsonNumber(float value, IBufferWriter<byte> output) => output.Advance(Format(value, output.GetSpan(LongestNumber)));

    private static void WriteArray<TStored, TWritten>(ReadOnlySpan<TStored> values, IBufferWriter<byte> output, Func<TStored, TWritten> widen)
        where TWritten : IUtf8SpanFormattable
    {
        output.Write("["u8);
        for (int start = 0; start < values.Length; start += NumbersAtOnce)
        {
            var batch = values[start..Math.Min(start + NumbersAtOnce, values.Length)];
            var target = output.GetSpan(batch.Length * LongestNumber);
            int length = 0;
            for (int i = 0; i < batch.Length; i++)
            {
                if (start + i > 0)
                {
                    target[length++] = (byte)',';
                }

                length += Format(widen(batch[i]), target[length..]);
            }

            output.Advance(length);
        }

        output.Write("]"u8);
    }

    // The invariant shortest form is a JSON number already: digits around at most one point, and exponents as E+10 or E-05.
    private static int Format<T>(T value, Span<byte> target)
        where T : IUtf8SpanFormattable
    {
        if (value is float single && !float.IsFinite(single))
        {
            throw new ArgumentException("JSON has no form for infinities and NaN", nameof(value));
        }

        return value.TryFormat(target, out int length, default, CultureInfo.InvariantCulture)
            ? length
            : throw new InvalidOperationException($"a number longer than {LongestNumber} bytes");
    }

    private static bool TryDecode<T>(
        ReadOnlySpan<byte> base64, string elementType, [NotNullWhen(true)] out T[]? values, [NotNullWhen(false)] out string? error)
        where T : unmanaged
    {
        values = null;
        error = null;
        int padding = base64.EndsWith("=="u8) ? 2 : base64.EndsWith("="u8) ? 1 : 0;
        int bytes = base64.Length / 4 * 3 - padding;
        int width = Unsafe.SizeOf<T>();
        if (base64.Length % 4 != 0)
        {
            error = $"is not padded base64: its length of {base64.Length} is no multiple of 4";
        }
        else if (bytes % width != 0)
        {
            error = $"holds {bytes} bytes of base64, which is no multiple of the {width} bytes of {elementType}";
        }
        else
        {
            var decoded = GC.AllocateUninitializedArray<T>(bytes / width);
            var target = MemoryMarshal.AsBytes(decoded.AsSpan());
            int first = Base64Blocks.Decode(base64, target);
            int done = first / 4 * 3;
            var status = Base64.DecodeFromUtf8(base64[first..], target[done..], out int consumed, out int written);

            // The decoder tolerates white space, which a JSON string can only hold by mistake: fewer bytes give it away.
            if (status == OperationStatus.Done && done + written == bytes)
            {
                values = decoded;
                return true;
            }

            error = $"is not base64 of the standard alphabet near offset {first + consumed}";
        }

        return false;
    }

    private static bool Refuse<T>(ref T[]? values, out string error)
    {
        values = null;
        error = "holds an infinity or NaN; only finite numbers can be stored";
        return false;
    }
}
