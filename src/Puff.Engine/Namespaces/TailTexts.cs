using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Text;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The inverted indexes of a tail, one for each text attribute that was asked for. They grow with the tail: a query analyses only what was written since the
/// last one.
/// </summary>
internal sealed class TailTexts
{
    private readonly Lock gate = new();
    private readonly Dictionary<(int Attribute, TextAnalysis Analysis), TextCollector> collectors = [];
    private long bytes;

    /// <summary>Of all indexes.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Called when they have grown, by the thread whose query asked.</summary>
    public Action? Grew { get; set; }

    /// <summary>The index of the rows of a frozen tail, which the caller holds.</summary>
    public TextSource Get(AttributeDefinition attribute, TailDocumentSet tail)
    {
        TextCollector? collector;
        lock (gate)
        {
            var key = (attribute.Id, TextAnalysis.Of(attribute.FullText!));
            if (!collectors.TryGetValue(key, out collector))
            {
                collectors.Add(key, collector = new TextCollector());
            }
        }

        try
        {
            long before = Bytes;
            CatchUp(collector, attribute, tail);
            if (Bytes > before)
            {
                Grew?.Invoke();
            }
        }
        catch (CorruptDataException damage)
        {
            throw PuffException.Corrupt($"a row of the write-ahead log is damaged: {damage.Message}", damage);
        }

        return new TextSource(new CollectedText(collector, tail.Count), static damage => PuffException.Corrupt(damage.Message, damage));
    }

    private void CatchUp(TextCollector collector, AttributeDefinition attribute, TailDocumentSet tail)
    {
        var analyzer = TextAnalyzer.For(attribute.FullText!);
        lock (collector)
        {
            long before = collector.Bytes;
            var tokens = new TokenBuffer();
            for (int document = collector.Documents; document < tail.Count; document++)
            {
                if (TextReading.ReadRow(analyzer, attribute, tail.GetRow(document), tokens))
                {
                    collector.Add(document, tokens);
                }
            }

            collector.PassTo(tail.Count);
            Interlocked.Add(ref bytes, collector.Bytes - before);
        }
    }
}
