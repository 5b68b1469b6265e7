namespace Puff.Engine.Text;

/// <summary>What texts are cut into for highlighting, numbered like the front door's FragmentUnit.</summary>
internal enum FragmentKind
{
    Whole,
    Sentence,
    Paragraph,
    Word,
}

/// <summary>A part of a text that matches, in bytes of its element.</summary>
/// <param name="Matches">Places of the matching tokens, ascending.</param>
internal sealed record Fragment(int Element, int Start, int End, double Score, IReadOnlyList<(int Start, int End)> Matches);
