using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.TestKit.Formats;

/// <summary>A part `sparse` with one attribute, in memory.</summary>
internal sealed class EncodedSparse : IDisposable
{
    private readonly PartEncoder part = new(PartKind.Sparse);

    /// <param name="attribute">A sparse vector attribute.</param>
    /// <param name="values">One for each document; null for none.</param>
    /// <param name="passPostings">Postings the encoder may hold at once.</param>
    public EncodedSparse(AttributeDefinition attribute, IReadOnlyList<Value> values, int passPostings = SparseEncoder.PassPostings)
    {
        Encode(part, attribute, values, passPostings);
        part.Finish(values.Count);
        Index = SparseIndex.Open(new PartReader(part.Buffer.Written, PartKind.Sparse), attribute.Id)!;
    }

    public SparseIndex Index { get; }

    public byte[] Bytes => part.Buffer.Written.AsSpan().ToArray();

    public void Dispose() => part.Dispose();

    public static void Encode(PartEncoder part, AttributeDefinition attribute, IReadOnlyList<Value> values, int passPostings = SparseEncoder.PassPostings)
    {
        byte[]?[] payloads = [.. values.Select(v => v.IsNull ? null : Payload(attribute, v))];
        using var encoder = new SparseEncoder(part, attribute, passPostings);
        foreach (byte[] payload in payloads.OfType<byte[]>())
        {
            encoder.Count(payload);
        }

        while (encoder.BeginPass())
        {
            for (int document = 0; document < payloads.Length; document++)
            {
                if (payloads[document] is { } payload)
                {
                    encoder.Add(document, payload);
                }
            }

            while (encoder.EncodeMore())
            {
                part.Seal();
            }
        }

        encoder.Finish();
    }

    private static byte[] Payload(AttributeDefinition attribute, Value value)
    {
        using var writer = new ByteWriter();
        PayloadFormat.Write(writer, attribute.Type, value);
        return writer.Written.AsSpan().ToArray();
    }
}
