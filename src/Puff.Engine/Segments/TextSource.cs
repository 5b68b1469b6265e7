using System.Collections.Concurrent;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Segments;

/// <summary>The inverted index of one text attribute, and what its damage is called.</summary>
/// <param name="index">The index. What is thrown while it is read goes through <paramref name="damaged"/>.</param>
/// <param name="damaged">Names the object.</param>
internal sealed class TextSource(ITextIndex index, Func<CorruptDataException, PuffException> damaged)
{
    public ITextIndex Index { get; } = index;

    public PuffException Damaged(CorruptDataException damage) => damaged(damage);

    /// <summary>Adds to a batch what finding the terms of a query and searching their lists reads; of a prefix, where its terms are listed.</summary>
    public void Plan(TextQuery query, IReadBatch batch) => Plan(stored =>
    {
        foreach (var term in query.Terms)
        {
            stored.Plan(term.Bytes, batch);
        }

        if (query.Prefix is { } prefix)
        {
            stored.PlanPrefix(prefix, batch);
        }

        if (query.IsEmpty)
        {
            stored.PlanLengths(batch);
        }
    });

    /// <summary>Adds the lists of the terms with a prefix. Reads the dictionary.</summary>
    public void PlanPrefixLists(byte[] prefix, IReadBatch batch) => Plan(stored => stored.PlanPrefixLists(prefix, batch));

    /// <summary>Adds the whole dictionary.</summary>
    public void PlanTerms(IReadBatch batch) => Plan(stored => stored.PlanPrefix([], batch));

    /// <summary>Adds the lengths of all documents.</summary>
    public void PlanLengths(IReadBatch batch) => Plan(stored => stored.PlanLengths(batch));

    /// <summary>An index in memory of all documents that a function can read.</summary>
    /// <param name="attribute">A full-text attribute.</param>
    /// <param name="documents">How many.</param>
    /// <param name="read">A document's value.</param>
    public static TextSource Collect(AttributeDefinition attribute, int documents, Func<int, Value> read)
    {
        // The collector lives as long as the index: its finalizers free the memory.
        var collector = new TextCollector();
        var analyzer = TextAnalyzer.For(attribute.FullText!);
        var tokens = new TokenBuffer();
        for (int document = 0; document < documents; document++)
        {
            if (TextReading.ReadValue(analyzer, read(document), tokens))
            {
                collector.Add(document, tokens);
            }
        }

        return new TextSource(new CollectedText(collector, documents), static damage => PuffException.Corrupt(damage.Message, damage));
    }

    private void Plan(Action<TextIndex> plan)
    {
        if (Index is not TextIndex stored)
        {
            return;
        }

        try
        {
            plan(stored);
        }
        catch (CorruptDataException damage)
        {
            throw Damaged(damage);
        }
    }
}

/// <summary>
/// The text of one attribute in a document set, and what its documents that live add to a corpus. Deleted documents are in the index until a merge: what they
/// would add is found out once and kept.
/// </summary>
internal sealed class LiveText
{
    /// <summary>Lists up to this are counted anew each time.</summary>
    private const int RememberedPostings = 1_024;

    private readonly ConcurrentDictionary<string, int> frequencies = new(StringComparer.Ordinal);
    private readonly BitSet? dead;

    public LiveText(TextSource source, BitSet live)
    {
        Source = source;
        var (documents, length) = source.Index.Totals;
        if (live.PopCount() < live.Count)
        {
            dead = live.Clone();
            dead.Not();
            for (int document = dead.NextSet(0); document >= 0; document = dead.NextSet(document + 1))
            {
                int tokens = source.Index.LengthOf(document);
                documents -= tokens >= 0 ? 1 : 0;
                length -= Math.Max(tokens, 0);
            }
        }

        (Documents, Length) = (documents, length);
    }

    public TextSource Source { get; }

    /// <summary>Live documents with a text.</summary>
    public long Documents { get; }

    /// <summary>Their tokens.</summary>
    public long Length { get; }

    /// <summary>Live documents with a term.</summary>
    public int FrequencyOf(QueryTerm term, PostingList list)
    {
        if (dead is null)
        {
            return list.Documents;
        }

        return list.Documents <= RememberedPostings ? Count(list, dead)
            : frequencies.GetOrAdd(term.ToString(), static (_, state) => Count(state.List, state.Dead), (List: list, Dead: dead));
    }

    private static unsafe int Count(PostingList list, BitSet dead)
    {
        int* documents = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        int gone = 0;
        int next = dead.NextSet(0);
        for (int block = 0; block < list.BlockCount && next >= 0; block++)
        {
            if (list.LastDocumentOf(block) < next)
            {
                continue;
            }

            int count = list.Read(block, documents, frequencies);
            for (int i = 0; i < count; i++)
            {
                gone += dead[documents[i]] ? 1 : 0;
            }

            next = dead.NextSet(documents[count - 1] + 1);
        }

        return list.Documents - gone;
    }
}
