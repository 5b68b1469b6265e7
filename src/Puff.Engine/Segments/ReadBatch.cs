using Puff.Engine.Encoding;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>The blocks of an object that is open.</summary>
internal sealed class MemoryBlocks(ObjectMemory memory) : IBlockSource
{
    public ObjectMemory Memory => memory;

    public void Require(long offset, long length) => memory.Require(offset, length);

    public bool Reload(long offset, long length) => memory.Reload(offset, length);

    public ulong[]? ReadyBlocks => memory.ReadyBlocks;

    public bool TryMarkReady(int block, bool isGood) => memory.TryMarkReady(block, isGood);

    public void Hold(long offset, long length) => memory.Hold(offset, length);
}

/// <summary>Fetches from the store what segments are about to be read for.</summary>
internal sealed class ReadBatch : IReadBatch
{
    private readonly BlockBatch blocks = new();

    public void Add(IBlockSource source, long offset, long length)
    {
        if (source is MemoryBlocks { Memory: var memory })
        {
            blocks.Add(memory, offset, length);
        }
    }

    public void Run() => blocks.Run();

    /// <summary>The same without blocking.</summary>
    public Task RunAsync() => blocks.RunAsync();
}
