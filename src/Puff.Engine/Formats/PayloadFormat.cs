using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// The bytes of one non-null attribute value, typed by the attribute's kind and otherwise untagged. Integers and datetimes are zigzag varints, unsigned
/// integers varints, floats 8 bytes, booleans one, UUIDs 16; strings and bytes are themselves. Arrays are a varint count and their elements, strings
/// with a varint length each. An empty array is the one byte 0 whatever its type, so that one written before the schema knew the element type stays
/// readable. Multi-vectors are a varint count and their numbers at the column's width; sparse vectors a varint count, then keys with lengths and f16 weights.
/// </summary>
internal static class PayloadFormat
{
    /// <exception cref="InvalidOperationException">The value does not have the attribute's kind; the schema was to coerce it.</exception>
    public static void Write(ByteWriter writer, AttributeType type, in Value value)
    {
        switch (type.Kind)
        {
            case TypeKind.String or TypeKind.Uuid or TypeKind.Bytes:
                writer.Bytes(value.AsBytes);
                break;
            case TypeKind.Int:
                writer.Varint(ZigZag(value.AsInt));
                break;
            case TypeKind.UInt:
                writer.Varint(value.AsUInt);
                break;
            case TypeKind.Float:
                writer.Double(value.AsFloat);
                break;
            case TypeKind.Bool:
                writer.Byte(value.AsBool ? (byte)1 : (byte)0);
                break;
            case TypeKind.DateTime:
                writer.Varint(ZigZag(value.AsDateTime));
                break;
            case TypeKind.MultiVectorF32 or TypeKind.MultiVectorF16:
                WriteMultiVector(writer, type, value.AsMultiVector);
                break;
            case TypeKind.SparseF16:
                WriteSparse(writer, value.AsSparse);
                break;
            default:
                WriteArray(writer, type, value);
                break;
        }
    }

    /// <exception cref="CorruptDataException">The bytes are no value of that type.</exception>
    public static Value Read(AttributeType type, ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        var value = type.Kind switch
        {
            TypeKind.String => Value.Utf8(reader.Bytes(reader.Remaining).ToArray()),
            TypeKind.Bytes => Value.Bytes(reader.Bytes(reader.Remaining).ToArray()),
            TypeKind.Uuid => Value.Uuid(reader.Bytes(16).ToArray()),
            TypeKind.Int => Value.Int(reader.ScalarBits(TypeKind.Int)),
            TypeKind.UInt => Value.UInt((ulong)reader.ScalarBits(TypeKind.UInt)),
            TypeKind.Float => Value.Float(reader.Double()),
            TypeKind.Bool => Value.Bool(reader.ScalarBits(TypeKind.Bool) != 0),
            TypeKind.DateTime => Value.DateTime(reader.ScalarBits(TypeKind.DateTime)),
            TypeKind.MultiVectorF32 or TypeKind.MultiVectorF16 => ReadMultiVector(ref reader, type),
            TypeKind.SparseF16 => ReadSparse(ref reader),
            _ when type.IsArray => ReadArray(ref reader, type.ElementKind),
            _ => throw new InvalidOperationException($"rows hold no {type}"),
        };
        reader.ExpectEnd();
        return value;
    }

    /// <summary>Whether <see cref="Read"/> would succeed, without making a value.</summary>
    /// <exception cref="CorruptDataException">The bytes are no value of that type.</exception>
    public static void Check(AttributeType type, ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        switch (type.Kind)
        {
            case TypeKind.String or TypeKind.Bytes:
                return;
            case TypeKind.Uuid:
                reader.Bytes(16);
                break;
            case TypeKind.MultiVectorF32 or TypeKind.MultiVectorF16:
                int bytes = type.Dimensions * (type.Kind == TypeKind.MultiVectorF16 ? 2 : 4);
                reader.Bytes(reader.Count(bytes) * bytes);
                break;
            case TypeKind.SparseF16:
                for (int left = reader.Count(3); left > 0; left--)
                {
                    reader.Block();
                    reader.Bytes(2);
                }

                break;
            case var kind when type.IsArray:
                CheckArray(ref reader, kind);
                break;
            default:
                reader.ScalarBits(type.Kind);
                break;
        }

        reader.ExpectEnd();
    }

    /// <summary>The next scalar as the 64 bits a <see cref="ScalarColumn"/> holds.</summary>
    public static long ScalarBits(this ref ByteReader reader, TypeKind kind) => kind switch
    {
        TypeKind.Int or TypeKind.DateTime => UnZigZag(reader.Varint()),
        TypeKind.UInt => unchecked((long)reader.Varint()),
        TypeKind.Float => reader.Int64(),
        TypeKind.Bool => reader.Byte() is var value && value <= 1 ? value : throw new CorruptDataException($"{value} is no boolean"),
        _ => throw new InvalidOperationException($"{kind} is no 64-bit scalar"),
    };

    /// <summary>The next array element of kind String (varint length, then bytes) or Uuid (16 bytes).</summary>
    public static ReadOnlySpan<byte> ElementBytes(this ref ByteReader reader, TypeKind elementKind) =>
        elementKind == TypeKind.Uuid ? reader.Bytes(16) : reader.Block();

    /// <summary>The number of elements an array payload announces, checked against the bytes that follow.</summary>
    public static int ElementCount(this ref ByteReader reader, TypeKind elementKind) => reader.Count(elementKind switch
    {
        TypeKind.Float => 8,
        TypeKind.Uuid => 16,
        // Only empty arrays were written before the element type was known.
        TypeKind.UnknownArray => int.MaxValue,
        _ => 1,
    });

    private static void WriteArray(ByteWriter writer, AttributeType type, in Value value)
    {
        if (!type.IsArray || !value.IsArray)
        {
            throw new InvalidOperationException($"a {value.Kind} cannot be stored in a row as {type}");
        }

        if (value.Kind == ValueKind.EmptyArray)
        {
            writer.Varint(0);
            return;
        }

        switch (type.Kind)
        {
            case TypeKind.StringArray:
                WriteAll(writer, value.AsBytesArray, static (w, element) => w.Block(element));
                break;
            case TypeKind.UuidArray:
                WriteAll(writer, value.AsBytesArray, static (w, element) => w.Bytes(element));
                break;
            case TypeKind.IntArray or TypeKind.DateTimeArray:
                WriteAll(writer, value.AsInts, static (w, element) => w.Varint(ZigZag(element)));
                break;
            case TypeKind.UIntArray:
                WriteAll(writer, value.AsUInts, static (w, element) => w.Varint(element));
                break;
            case TypeKind.FloatArray:
                WriteAll(writer, value.AsFloats, static (w, element) => w.Double(element));
                break;
            case TypeKind.BoolArray:
                WriteAll(writer, value.AsBools, static (w, element) => w.Byte(element ? (byte)1 : (byte)0));
                break;
            default:
                throw new InvalidOperationException($"a {value.Kind} cannot be stored in a row as {type}");
        }
    }

    private static void WriteAll<T>(ByteWriter writer, T[] elements, Action<ByteWriter, T> write)
    {
        writer.Varint((ulong)elements.Length);
        foreach (var element in elements)
        {
            write(writer, element);
        }
    }

    private static Value ReadArray(ref ByteReader reader, TypeKind elementKind)
    {
        int count = reader.ElementCount(elementKind);
        if (count == 0)
        {
            return Value.EmptyArray;
        }

        switch (elementKind)
        {
            case TypeKind.String or TypeKind.Uuid:
                var texts = new byte[count][];
                for (int i = 0; i < count; i++)
                {
                    texts[i] = reader.ElementBytes(elementKind).ToArray();
                }

                return elementKind == TypeKind.String ? Value.StringArray(texts) : Value.UuidArray(texts);
            case TypeKind.Bool:
                var bools = new bool[count];
                for (int i = 0; i < count; i++)
                {
                    bools[i] = reader.ScalarBits(elementKind) != 0;
                }

                return Value.Array(bools);
            default:
                var bits = new long[count];
                for (int i = 0; i < count; i++)
                {
                    bits[i] = reader.ScalarBits(elementKind);
                }

                return FromBits(elementKind, bits);
        }
    }

    private static void CheckArray(ref ByteReader reader, TypeKind arrayKind)
    {
        var elementKind = new AttributeType(arrayKind).ElementKind;
        for (int left = reader.ElementCount(elementKind); left > 0; left--)
        {
            if (elementKind is TypeKind.String or TypeKind.Uuid)
            {
                reader.ElementBytes(elementKind);
            }
            else
            {
                reader.ScalarBits(elementKind);
            }
        }
    }

    private static Value FromBits(TypeKind elementKind, long[] bits) => elementKind switch
    {
        TypeKind.Int => Value.Array(bits),
        TypeKind.DateTime => Value.DateTimeArray(bits),
        TypeKind.UInt => Value.Array(MemoryMarshal.Cast<long, ulong>(bits).ToArray()),
        _ => Value.Array(MemoryMarshal.Cast<long, double>(bits).ToArray()),
    };

    private static void WriteMultiVector(ByteWriter writer, AttributeType type, MultiVector value)
    {
        if (value.Data.Length % type.Dimensions != 0)
        {
            throw new InvalidOperationException($"{value.Data.Length} numbers are no vectors of {type}");
        }

        writer.Varint((ulong)(value.Data.Length / type.Dimensions));
        bool half = type.Kind == TypeKind.MultiVectorF16;
        foreach (float number in value.Data)
        {
            if (half)
            {
                BinaryPrimitives.WriteHalfLittleEndian(writer.Reserve(2), (Half)number);
            }
            else
            {
                BinaryPrimitives.WriteSingleLittleEndian(writer.Reserve(4), number);
            }
        }
    }

    private static Value ReadMultiVector(ref ByteReader reader, AttributeType type)
    {
        int width = type.Kind == TypeKind.MultiVectorF16 ? 2 : 4;
        int count = reader.Count(width * type.Dimensions);
        var data = new float[count * type.Dimensions];
        for (int i = 0; i < data.Length; i++)
        {
            var number = reader.Bytes(width);
            data[i] = width == 2 ? (float)BinaryPrimitives.ReadHalfLittleEndian(number) : BinaryPrimitives.ReadSingleLittleEndian(number);
        }

        return Value.MultiVector(new MultiVector(type.Dimensions, data));
    }

    private static void WriteSparse(ByteWriter writer, SparseVector value)
    {
        writer.Varint((ulong)value.Keys.Length);
        for (int i = 0; i < value.Keys.Length; i++)
        {
            writer.Block(value.Keys[i]);
            BinaryPrimitives.WriteHalfLittleEndian(writer.Reserve(2), (Half)value.Weights[i]);
        }
    }

    private static Value ReadSparse(ref ByteReader reader)
    {
        int count = reader.Count(3);
        var keys = new byte[count][];
        var weights = new float[count];
        for (int i = 0; i < count; i++)
        {
            keys[i] = reader.Block().ToArray();
            weights[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(reader.Bytes(2));
        }

        return Value.Sparse(new SparseVector(keys, weights));
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
