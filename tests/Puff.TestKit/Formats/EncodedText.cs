using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.TestKit.Formats;

/// <summary>A part `text` with one attribute, in memory.</summary>
internal sealed class EncodedText : IDisposable
{
    private readonly PartEncoder part = new(PartKind.Text);

    /// <param name="attribute">A full-text attribute.</param>
    /// <param name="documents">The tokens of each document, null for a hole in the positions; null for no text.</param>
    public EncodedText(AttributeDefinition attribute, IReadOnlyList<string?[]?> documents)
    {
        Encode(part, attribute, documents);
        part.Finish(documents.Count);
        Index = TextIndex.Open(new PartReader(part.Buffer.Written, PartKind.Text), attribute.Id)!;
    }

    public TextIndex Index { get; }

    public byte[] Bytes => part.Buffer.Written.AsSpan().ToArray();

    public void Dispose() => part.Dispose();

    public static void Encode(PartEncoder part, AttributeDefinition attribute, IReadOnlyList<string?[]?> documents)
    {
        uint[] lengths = [.. documents.Select(d => d is null ? 0 : (uint)d.Count(t => t is not null) + 1)];
        using var encoder = new TextEncoder(part, attribute, lengths);
        using var positions = new ByteWriter();
        foreach (var term in Postings(documents).GroupBy(p => p.Term).OrderBy(g => g.Key, ByBytes))
        {
            encoder.BeginTerm(System.Text.Encoding.UTF8.GetBytes(term.Key));
            foreach (var posting in term)
            {
                positions.Clear();
                TextPositions.Write(positions, posting.Positions);
                encoder.Add(posting.Document, posting.Positions.Length, positions.Written.AsSpan());
            }

            encoder.EndTerm();
            part.Seal();
        }

        encoder.Finish();
    }

    /// <summary>In the order of documents.</summary>
    public static IEnumerable<(string Term, int Document, int[] Positions)> Postings(IReadOnlyList<string?[]?> documents)
    {
        for (int document = 0; document < documents.Count; document++)
        {
            var tokens = documents[document] ?? [];
            foreach (var term in tokens.Select((t, i) => (Token: t, Position: i)).Where(t => t.Token is not null).GroupBy(t => t.Token!))
            {
                yield return (term.Key, document, term.Select(t => t.Position).ToArray());
            }
        }
    }

    public static IComparer<string> ByBytes { get; } = Comparer<string>.Create(
        (left, right) => System.Text.Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(right)));
}
