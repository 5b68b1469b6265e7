using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Segments;

/// <summary>
/// Merges the text indexes of segments term by term: the postings of live documents under their new numbers. Holds the postings of one term and two numbers for
/// each document.
/// </summary>
internal sealed unsafe class MergingTextWriter : TextWriter
{
    private readonly PartEncoder part;
    private readonly TextEncoder encoder;
    private readonly Input[] inputs;
    private readonly ByteWriter positions = new();
    private readonly List<Posting> postings = [];
    private readonly List<int> read = [];

    public MergingTextWriter(PartEncoder part, AttributeDefinition attribute, MergeSource source, SegmentLayout? layout)
    {
        this.part = part;
        inputs = [.. source.Segments.Select(s => new Input(s.GetText(attribute), s.Count))];
        var lengths = new uint[source.Count];
        for (int document = 0; document < lengths.Length; document++)
        {
            var (input, number) = source.OriginOf(layout is null ? document : layout.SourceOf(document));
            inputs[input].Numbers[number] = document;
            lengths[document] = (uint)(inputs[input].Index.LengthOf(number) + 1);
        }

        encoder = new TextEncoder(part, attribute, lengths);
        foreach (var input in inputs)
        {
            input.Advance();
        }
    }

    public override bool WriteMore()
    {
        while (Next() is { } term)
        {
            Gather(term);
            Write(term);
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
        positions.Dispose();
        encoder.Dispose();
    }

    /// <summary>The smallest term that any input has left.</summary>
    private byte[]? Next()
    {
        Input? least = null;
        foreach (var input in inputs)
        {
            if (input.HasTerm && (least is null || input.Terms.Term.SequenceCompareTo(least.Terms.Term) < 0))
            {
                least = input;
            }
        }

        return least?.Terms.Term.ToArray();
    }

    private void Gather(byte[] term)
    {
        postings.Clear();
        positions.Clear();
        foreach (var input in inputs)
        {
            if (input.HasTerm && input.Terms.Term.SequenceEqual(term))
            {
                Gather(input);
                input.Advance();
            }
        }
    }

    private void Gather(Input input)
    {
        int* documents = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        try
        {
            var list = input.Terms.Postings();
            for (int block = 0; block < list.BlockCount; block++)
            {
                int count = list.Read(block, documents, frequencies);
                list.ReadPositions(block, new ReadOnlySpan<int>(frequencies, count), read);
                int at = 0;
                for (int i = 0; i < count; i++)
                {
                    Add(input.Numbers[documents[i]], CollectionsMarshal.AsSpan(read).Slice(at, frequencies[i]));
                    at += frequencies[i];
                }
            }
        }
        catch (CorruptDataException damage)
        {
            throw input.Source.Damaged(damage);
        }
    }

    private void Add(int document, ReadOnlySpan<int> found)
    {
        if (document >= 0)
        {
            long start = positions.Length;
            TextPositions.Write(positions, found);
            postings.Add(new Posting(document, found.Length, start, (int)(positions.Length - start)));
        }
    }

    private void Write(byte[] term)
    {
        if (postings.Count == 0)
        {
            return;
        }

        postings.Sort(static (left, right) => left.Document.CompareTo(right.Document));
        encoder.BeginTerm(term);
        foreach (var posting in postings)
        {
            encoder.Add(posting.Document, posting.Frequency, positions.Written.Span(posting.Start, posting.Length));
        }

        encoder.EndTerm();
    }

    private readonly record struct Posting(int Document, int Frequency, long Start, int Length);

    /// <summary>One segment on its way through its terms.</summary>
    private sealed class Input
    {
        public Input(TextSource source, int documents)
        {
            Source = source;
            Index = (TextIndex)source.Index;
            Numbers = new int[documents];
            Array.Fill(Numbers, -1);
            Terms = Index.Terms();
        }

        public TextSource Source { get; }

        public TextIndex Index { get; }

        public TermReader Terms { get; }

        public bool HasTerm { get; private set; }

        /// <summary>New number of each document, -1 for those that are left out.</summary>
        public int[] Numbers { get; }

        public void Advance()
        {
            try
            {
                HasTerm = Terms.Next();
            }
            catch (CorruptDataException damage)
            {
                throw Source.Damaged(damage);
            }
        }
    }
}
