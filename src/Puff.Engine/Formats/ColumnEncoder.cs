using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes one attribute into the part `columns`, in the shapes <see cref="Column"/> views in place. What grows with the values (64-bit values, bytes) streams
/// through the part; offset tables and the bitmap of present documents gather beside it and follow. The entry of the bitmap stands for the
/// attribute in the directory: its count is the number of non-null values. An attribute without any value has that entry and nothing else.
/// </summary>
internal sealed unsafe class ColumnEncoder : IDisposable
{
    private readonly PartEncoder part;
    private readonly AttributeDefinition attribute;
    private readonly TypeKind elementKind;
    private readonly bool isArray;
    private readonly bool isBytes;
    private readonly int documents;
    private readonly BitSet present;
    private readonly ByteWriter starts = new();
    private readonly ByteWriter offsets = new();
    private int next;
    private int values;
    private long elements;
    private long bytes;

    public ColumnEncoder(PartEncoder part, AttributeDefinition attribute, int documents)
    {
        this.part = part;
        this.attribute = attribute;
        this.documents = documents;
        elementKind = attribute.Type.ElementKind;
        isArray = attribute.Type.IsArray;
        isBytes = elementKind is TypeKind.String or TypeKind.Uuid;
        present = new BitSet(documents);
        offsets.UInt32(0);
        part.BeginSection();
    }

    public void Dispose()
    {
        starts.Dispose();
        offsets.Dispose();
    }

    /// <summary>The value of a document, encoded; documents come in ascending order, those without a value are left out.</summary>
    public void Add(int document, ReadOnlySpan<byte> payload)
    {
        SkipTo(document);
        present[document] = true;
        values++;
        next++;
        var reader = new ByteReader(payload);
        if (isArray)
        {
            starts.UInt32((uint)elements);
            for (int left = reader.ElementCount(elementKind); left > 0; left--)
            {
                AddElement(ref reader);
            }

            reader.ExpectEnd();
        }
        else if (isBytes)
        {
            AddBytes(payload);
        }
        else
        {
            part.Buffer.Int64(reader.ScalarBits(elementKind));
            reader.ExpectEnd();
        }
    }

    /// <summary>Completes the attribute's sections.</summary>
    public void Finish()
    {
        if (values > 0)
        {
            SkipTo(documents);
            part.EndSection(isBytes ? PartSection.Bytes : PartSection.Values, attribute.Id, elementKind, isArray ? elements : documents);
            if (isBytes)
            {
                part.Section(PartSection.Offsets, offsets.Written, attribute.Id);
            }

            if (isArray)
            {
                starts.UInt32((uint)elements);
                part.Section(PartSection.Starts, starts.Written, attribute.Id);
            }
        }

        part.BeginSection();
        foreach (ulong word in values > 0 ? present.Words : [])
        {
            part.Buffer.UInt64(word);
        }

        part.EndSection(PartSection.Present, attribute.Id, attribute.Type.Kind, values);
    }

    private void SkipTo(int document)
    {
        for (; next < document; next++)
        {
            if (isArray)
            {
                starts.UInt32((uint)elements);
            }
            else if (isBytes)
            {
                offsets.UInt32((uint)bytes);
            }
            else
            {
                part.Buffer.Int64(0);
            }
        }
    }

    private void AddElement(ref ByteReader reader)
    {
        if (++elements >= int.MaxValue)
        {
            throw TooLarge("2^31 elements");
        }

        if (isBytes)
        {
            AddBytes(reader.ElementBytes(elementKind));
        }
        else
        {
            part.Buffer.Int64(reader.ScalarBits(elementKind));
        }
    }

    private void AddBytes(ReadOnlySpan<byte> value)
    {
        part.Buffer.Bytes(value);
        bytes += value.Length;
        if (bytes > uint.MaxValue)
        {
            throw TooLarge("4 GiB");
        }

        offsets.UInt32((uint)bytes);
    }

    private PuffException TooLarge(string limit) =>
        PuffException.Internal($"attribute \"{attribute.Name}\" has more than {limit} in one segment; build smaller segments");
}
