namespace Puff.Engine.Encoding;

/// <summary>
/// Ranges that the next stage of a query will read: whoever knows them adds them all and runs the batch, and what is not in memory yet is brought in one
/// dependent step. What nobody added is still brought when it is read, one after the other. Used by one thread.
/// </summary>
internal interface IReadBatch
{
    void Add(IBlockSource source, long offset, long length);

    /// <summary>Blocks until all is here, and empties the batch.</summary>
    void Run();
}
