namespace Puff.Engine.Storage;

/// <summary>A part of another block, which it keeps alive. No bytes are copied.</summary>
internal sealed unsafe class SharedObjectMemory : ObjectMemory
{
    private readonly ObjectMemory owner;
    private readonly long start;

    /// <summary>Adds a reference to <paramref name="owner"/> that is given back with the last reference to this.</summary>
    public SharedObjectMemory(ObjectMemory owner, long offset, long length)
        : base(owner.Pointer + offset, length)
    {
        owner.AddReference();
        this.owner = owner;
        start = offset;
    }

    public override bool IsDemandLoaded => owner.IsDemandLoaded;

    public override void Require(long offset, long length) => owner.Require(start + offset, length);

    public override bool Reload(long offset, long length) => owner.Reload(start + offset, length);

    protected override void Free() => owner.Release();
}
