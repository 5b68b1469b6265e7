namespace Puff.Engine.Schema;

/// <summary>
/// How far a stream of changes is that a namespace is fed from, stored in the same atomic step as the documents of a write: what a feeder finds when it comes
/// back is exactly what was written, whatever it remembers itself.
/// </summary>
/// <param name="Name">Which stream; a namespace may be fed from several. At most <see cref="MaxNameBytes"/> bytes.</param>
/// <param name="Position">Compares as text, bytewise: later positions are greater. At most <see cref="MaxPositionBytes"/> bytes.</param>
/// <param name="Payload">What else the feeder wants back; at most <see cref="MaxPayloadBytes"/> bytes.</param>
public sealed record NamespaceToken(string Name, string Position, string? Payload = null)
{
    public const int MaxNameBytes = 256;
    public const int MaxPositionBytes = 64;
    public const int MaxPayloadBytes = 64 << 10;

    /// <summary>How many a namespace may have.</summary>
    public const int MaxTokens = 256;
}
