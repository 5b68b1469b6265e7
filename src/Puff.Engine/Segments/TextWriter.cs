using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Segments;

/// <summary>Writes the text index of one attribute, some terms at a time, so that the part can be drained in between.</summary>
internal abstract class TextWriter : IDisposable
{
    /// <summary>Appends terms until there is something worth draining; false when all are written.</summary>
    public abstract bool WriteMore();

    /// <summary>Completes the sections.</summary>
    public abstract void Finish();

    public abstract void Dispose();

    /// <summary>From the indexes of merged segments if there are such, otherwise by analysing the rows.</summary>
    /// <param name="part">Takes the index.</param>
    /// <param name="attribute">A full-text attribute.</param>
    /// <param name="source">The documents in the order of the new segment.</param>
    /// <param name="merged">The documents before they were put in order, when they come from segments.</param>
    /// <param name="layout">Their new order; null when it is the old one.</param>
    /// <param name="cancellation">Looked at every few thousand documents.</param>
    public static TextWriter Create(
        PartEncoder part, AttributeDefinition attribute, ISegmentSource source, MergeSource? merged, SegmentLayout? layout, CancellationToken cancellation) =>
        merged is null
            ? new AnalysingTextWriter(part, attribute, source.Count, source.GetRow, cancellation)
            : new MergingTextWriter(part, attribute, merged, layout);
}

/// <summary>Reads a row. A delegate of its own, because spans cannot be type arguments of older ones.</summary>
internal delegate ReadOnlySpan<byte> ReadRow(int document);

/// <summary>Analyses documents and holds their inverted index in unmanaged memory until it is written: some twelve bytes a token.</summary>
internal sealed class AnalysingTextWriter : TextWriter
{
    private const int CancellationStride = 4_096;

    private readonly PartEncoder part;
    private readonly TextCollector collector = new();
    private readonly ByteWriter scratch = new();
    private readonly TextEncoder encoder;
    private readonly int[] order;
    private int next;

    public AnalysingTextWriter(PartEncoder part, AttributeDefinition attribute, int documents, ReadRow rowOf, CancellationToken cancellation)
    {
        this.part = part;
        try
        {
            var analyzer = TextAnalyzer.For(attribute.FullText!);
            var tokens = new TokenBuffer();
            for (int document = 0; document < documents; document++)
            {
                if (TextReading.ReadRow(analyzer, attribute, rowOf(document), tokens))
                {
                    collector.Add(document, tokens);
                }

                if (document % CancellationStride == 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                }
            }

            encoder = new TextEncoder(part, attribute, collector.Lengths(documents));
            order = collector.Ordered();
        }
        catch
        {
            collector.Dispose();
            scratch.Dispose();
            throw;
        }
    }

    public override bool WriteMore()
    {
        while (next < order.Length)
        {
            collector.Write(order[next++], encoder, scratch);
            if (part.ShouldDrain)
            {
                return true;
            }
        }

        return false;
    }

    public override void Finish() => encoder.Finish();

    public override void Dispose()
    {
        collector.Dispose();
        scratch.Dispose();
        encoder.Dispose();
    }
}
