using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Text;

namespace Puff.Engine.Segments;

/// <summary>
/// Whether the text index of a segment is that of its rows: texts are analysed again, as the index says it did, and every token must be found as often as the
/// index says. All documents of a small segment, and of a larger one so many at equal distances.
/// </summary>
internal static class TextReanalysis
{
    /// <summary>Documents of a segment that are analysed again, for each attribute.</summary>
    public const int Sample = 2_000;

    /// <exception cref="PuffException">Corrupt, naming the part with the index.</exception>
    public static async ValueTask VerifyAsync(IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation)
    {
        var parts = await SegmentParts.OpenAsync(store, descriptor, cancellation);
        try
        {
            var reader = parts.Text!.Reader;
            var rows = new RowsPartReader(parts.Rows.Reader);
            foreach (var entry in reader.Entries.Where(e => e.Section == PartSection.TextData))
            {
                cancellation.ThrowIfCancellationRequested();
                Verify(TextIndex.Open(reader, entry.Attribute)!, rows, entry);
            }
        }
        catch (CorruptDataException damage)
        {
            throw parts.Text!.Damaged(damage);
        }
        finally
        {
            parts.Release();
        }
    }

    private static void Verify(TextIndex index, RowsPartReader rows, in PartEntry entry)
    {
        var settings = index.Facts.Analysis.ToSettings();
        var attribute = new AttributeDefinition(entry.Attribute, $"#{entry.Attribute}", new AttributeType(entry.Type)) { FullText = settings };
        var analyzer = TextAnalyzer.For(settings);
        var tokens = new TokenBuffer();
        var lists = new Dictionary<string, PostingCursor?>(StringComparer.Ordinal);
        int sampled = Math.Min(Sample, index.Documents);
        try
        {
            for (int i = 0; i < sampled; i++)
            {
                int document = (int)((long)i * index.Documents / sampled);
                bool hasText = TextReading.ReadRow(analyzer, attribute, rows.GetRow(document), tokens);
                int length = hasText ? tokens.Count : -1;
                if (index.LengthOf(document) != length)
                {
                    throw new CorruptDataException(
                        $"document {document} has {length} tokens of attribute {entry.Attribute} in its row, and {index.LengthOf(document)} in the index");
                }

                Compare(index, document, Frequencies(tokens), lists);
            }
        }
        finally
        {
            foreach (var list in lists.Values)
            {
                list?.Dispose();
            }
        }
    }

    private static Dictionary<string, int> Frequencies(TokenBuffer tokens)
    {
        // Latin-1 keeps every byte of a term, whatever it is.
        var frequencies = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < tokens.Count; i++)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(frequencies, System.Text.Encoding.Latin1.GetString(tokens.Term(i)), out _)++;
        }

        return frequencies;
    }

    private static void Compare(TextIndex index, int document, Dictionary<string, int> expected, Dictionary<string, PostingCursor?> lists)
    {
        foreach (var (term, frequency) in expected)
        {
            if (!lists.TryGetValue(term, out var cursor))
            {
                cursor = index.Find(System.Text.Encoding.Latin1.GetBytes(term)) is { } list ? new PostingCursor(list) : null;
                lists.Add(term, cursor);
            }

            int block = 0;
            int found = cursor?.FrequencyOf(document, ref block) ?? 0;
            if (found != frequency)
            {
                throw new CorruptDataException($"document {document} has a term {frequency} times in its row, and {found} times in the index");
            }
        }
    }
}
