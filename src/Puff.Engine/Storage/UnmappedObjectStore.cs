namespace Puff.Engine.Storage;

/// <summary>A store as if it were remote: its objects are fetched and not mapped.</summary>
internal sealed class UnmappedObjectStore(IObjectStore inner) : DelegatingObjectStore(inner)
{
    public override StoreCapabilities Capabilities => Inner.Capabilities with { SupportsMapping = false };

    /// <summary>What is below stays open.</summary>
    public override ValueTask DisposeAsync() => default;
}
