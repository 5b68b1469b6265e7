namespace Puff.Engine.Formats;

/// <summary>A namespace that waits to be indexed, and who has taken it upon itself.</summary>
/// <param name="Namespace">Its name; a namespace has one job at most.</param>
/// <param name="Epoch">Of the log.</param>
/// <param name="Sequence">The newest log entry that the announcing node knew.</param>
/// <param name="Bytes">Of log entries that wait: the larger, the more urgent.</param>
/// <param name="EnqueuedAtMs">Since when it waits, by the clock of the node that announced it first.</param>
/// <param name="Owner">The node that works on it; zero for none.</param>
/// <param name="Beat">Grows while the owner lives. A lease has ended when it stands still for the lease time on somebody else's clock.</param>
/// <param name="PoorTree">A cluster tree in which searches find too little, to be trained anew; zero for none.</param>
internal sealed record IndexJob(
    string Namespace, ulong Epoch, long Sequence, long Bytes, long EnqueuedAtMs, UInt128 Owner = default, long Beat = 0, ulong PoorTree = 0)
{
    /// <summary>Whether both tell of the same log entries and the same tree.</summary>
    public bool IsOfSameWork(IndexJob other) => Epoch == other.Epoch && Sequence == other.Sequence && PoorTree == other.PoorTree;

    /// <summary>The job that has both to do, of which this one was announced first.</summary>
    public IndexJob With(IndexJob more)
    {
        ulong tree = more.PoorTree == 0 ? PoorTree : more.PoorTree;
        return Epoch == more.Epoch && Sequence >= more.Sequence
            ? this with { PoorTree = tree }
            : this with { Epoch = more.Epoch, Sequence = more.Sequence, Bytes = more.Bytes, PoorTree = tree };
    }
}
