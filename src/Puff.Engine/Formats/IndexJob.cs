namespace Puff.Engine.Formats;

/// <summary>A namespace that waits to be indexed, and who has taken it upon itself.</summary>
/// <param name="Namespace">Its name; a namespace has one job at most.</param>
/// <param name="Epoch">Of the log.</param>
/// <param name="Sequence">The newest log entry that the announcing node knew.</param>
/// <param name="Bytes">Of log entries that wait: the larger, the more urgent.</param>
/// <param name="EnqueuedAtMs">Since when it waits, by the clock of the node that announced it first.</param>
/// <param name="Owner">The node that works on it; zero for none.</param>
/// <param name="Beat">Grows while the owner lives. A lease has ended when it stands still for the lease time on somebody else's clock.</param>
internal sealed record IndexJob(string Namespace, ulong Epoch, long Sequence, long Bytes, long EnqueuedAtMs, UInt128 Owner = default, long Beat = 0)
{
    /// <summary>Whether both tell of the same log entries.</summary>
    public bool IsOfSameEntries(IndexJob other) => Epoch == other.Epoch && Sequence == other.Sequence;
}
