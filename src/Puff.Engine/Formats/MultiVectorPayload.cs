using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The payload of a multi-vector (<see cref="PayloadFormat"/>), read vector by vector without making a value of it.</summary>
internal readonly ref struct MultiVectorPayload
{
    private readonly ReadOnlySpan<byte> numbers;
    private readonly int dimensions;
    private readonly bool isHalf;

    /// <exception cref="CorruptDataException">The bytes are no value of that type.</exception>
    public MultiVectorPayload(AttributeType type, ReadOnlySpan<byte> payload)
    {
        dimensions = type.Dimensions;
        isHalf = type.Kind == TypeKind.MultiVectorF16;
        var reader = new ByteReader(payload);
        int bytes = dimensions * (isHalf ? 2 : 4);
        Count = reader.Count(bytes);
        numbers = reader.Bytes(Count * bytes);
        reader.ExpectEnd();
    }

    /// <summary>Vectors.</summary>
    public int Count { get; }

    /// <param name="vector">Which one.</param>
    /// <param name="destination">As many numbers as the attribute has dimensions.</param>
    public void Read(int vector, Span<float> destination)
    {
        int first = vector * dimensions;
        for (int i = 0; i < dimensions; i++)
        {
            destination[i] = isHalf
                ? (float)BinaryPrimitives.ReadHalfLittleEndian(numbers[((first + i) * 2)..])
                : BinaryPrimitives.ReadSingleLittleEndian(numbers[((first + i) * 4)..]);
        }
    }

    /// <summary>The attribute's payload in a row; empty when the row has none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> row, int attribute)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (entry.Number == attribute)
            {
                return entry.Payload;
            }
        }

        return [];
    }
}
