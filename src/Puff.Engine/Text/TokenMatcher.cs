using System.Runtime.InteropServices;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>Finds the documents whose text has the words of a query: through an index, or in one document's tokens.</summary>
internal sealed class TokenMatcher(TextQuery query, TokenOperator @operator)
{
    /// <summary>Overwrites the result with the matches of a whole set. A query without words matches every text unless one word is to match.</summary>
    public void Evaluate(ITextIndex index, BitSet result, CancellationToken cancellation)
    {
        result.ClearAll();
        if (query.IsEmpty)
        {
            for (int document = 0; @operator != TokenOperator.Any && document < index.Documents; document++)
            {
                result[document] = index.LengthOf(document) >= 0;
            }

            return;
        }

        var lists = new List<PostingList>?[query.Terms.Count + 1];
        for (int term = 0; term < query.Terms.Count; term++)
        {
            lists[term] = index.Find(query.Terms[term].Bytes) is { } list ? [list] : [];
        }

        if (query.Prefix is { } prefix)
        {
            index.FindPrefix(prefix, lists[^1] = []);
        }

        Combine(index, lists, result, cancellation);
    }

    /// <summary>Whether a document with these tokens matches.</summary>
    public bool Matches(TokenBuffer tokens) => @operator switch
    {
        TokenOperator.All => query.Words.All(w => Occurs(w, tokens)),
        TokenOperator.Any => query.Words.Any(w => Occurs(w, tokens)),
        _ => query.IsEmpty || Enumerable.Range(0, tokens.Count).Any(i => Is(query.Words[0], tokens.Term(i)) && Follows(tokens, i)),
    };

    private void Combine(ITextIndex index, List<PostingList>?[] lists, BitSet result, CancellationToken cancellation)
    {
        bool isFirst = true;
        foreach (var alternatives in lists.OfType<List<PostingList>>().OrderBy(l => l.Sum(p => (long)p.Documents)))
        {
            var union = TextScorer.Union(alternatives, index.Documents, cancellation);
            if (isFirst || @operator == TokenOperator.Any)
            {
                result.Or(union);
            }
            else
            {
                result.And(union);
            }

            isFirst = false;
        }

        if (@operator == TokenOperator.Sequence && query.Words.Count > 1)
        {
            using var phrase = new PhraseMatcher(query.Words, lists);
            for (int document = result.NextSet(0); document >= 0; document = result.NextSet(document + 1))
            {
                cancellation.ThrowIfCancellationRequested();
                result[document] = phrase.Matches(document);
            }
        }
    }

    private bool Is(QueryWord word, ReadOnlySpan<byte> term) =>
        word.Term < 0 ? term.StartsWith(query.Prefix) : term.SequenceEqual(query.Terms[word.Term].Bytes);

    private bool Occurs(QueryWord word, TokenBuffer tokens)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            if (Is(word, tokens.Term(i)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the other words come behind the token where the first one is.</summary>
    private bool Follows(TokenBuffer tokens, int first)
    {
        int at = first;
        for (int word = 1; word < query.Words.Count; word++)
        {
            int wanted = tokens.Position(first) + query.Words[word].Offset;
            while (at < tokens.Count && tokens.Position(at) < wanted)
            {
                at++;
            }

            if (at == tokens.Count || tokens.Position(at) != wanted || !Is(query.Words[word], tokens.Term(at)))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>Looks up the positions of words in documents that have all of them; documents come in ascending order.</summary>
internal sealed unsafe class PhraseMatcher : IDisposable
{
    private readonly IReadOnlyList<QueryWord> words;
    private readonly PositionCursor[]?[] cursors;
    private readonly List<int>[] positions;

    /// <param name="words">At least two.</param>
    /// <param name="lists">Of each term; the last ones those of the prefix.</param>
    public PhraseMatcher(IReadOnlyList<QueryWord> words, List<PostingList>?[] lists)
    {
        this.words = words;
        cursors = Array.ConvertAll(lists, l => l?.Select(p => new PositionCursor(p)).ToArray());
        positions = [.. lists.Select(_ => new List<int>())];
    }

    public void Dispose()
    {
        foreach (var cursor in cursors.OfType<PositionCursor[]>().SelectMany(c => c))
        {
            cursor.Dispose();
        }
    }

    public bool Matches(int document)
    {
        for (int term = 0; term < cursors.Length; term++)
        {
            positions[term].Clear();
            foreach (var cursor in cursors[term] ?? [])
            {
                cursor.Add(document, positions[term]);
            }

            if (cursors[term]?.Length > 1)
            {
                positions[term].Sort();
            }
        }

        foreach (int first in PositionsOf(words[0]))
        {
            if (Follows(first))
            {
                return true;
            }
        }

        return false;
    }

    private List<int> PositionsOf(QueryWord word) => word.Term < 0 ? positions[^1] : positions[word.Term];

    private bool Follows(int first)
    {
        for (int word = 1; word < words.Count; word++)
        {
            if (CollectionsMarshal.AsSpan(PositionsOf(words[word])).BinarySearch(first + words[word].Offset) < 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One list with the positions of the block unpacked last.</summary>
    private sealed class PositionCursor(PostingList list) : PostingCursor(list)
    {
        private readonly List<int> all = [];
        private readonly int[] starts = new int[PostingList.BlockLength + 1];
        private int block;
        private int read = -1;

        public void Add(int document, List<int> found)
        {
            block = FindBlock(block, document);
            if (block == List.BlockCount)
            {
                return;
            }

            Unpack(block);
            int at = Rank(document);
            if (at >= Count || Documents[at] != document)
            {
                return;
            }

            ReadBlock();
            found.AddRange(CollectionsMarshal.AsSpan(all)[starts[at]..starts[at + 1]]);
        }

        private void ReadBlock()
        {
            if (read == block)
            {
                return;
            }

            List.ReadPositions(block, new ReadOnlySpan<int>(Frequencies, Count), all);
            for (int i = 0; i < Count; i++)
            {
                starts[i + 1] = starts[i] + Frequencies[i];
            }

            read = block;
        }
    }
}
