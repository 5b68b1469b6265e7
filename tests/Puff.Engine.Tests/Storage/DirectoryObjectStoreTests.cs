using Puff.Engine.Storage;
using Puff.TestKit.Storage;

namespace Puff.Engine.Tests.Storage;

/// <summary>The contract through one store on a folder of its own, and what only a directory store has.</summary>
public sealed class DirectoryObjectStoreTests : ObjectStoreContract
{
    private readonly TemporaryFolder folder = new();

    protected override async ValueTask<IObjectStore> OpenAsync() =>
        await DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Durable = false }, Cancel);

    protected override void RemoveRemains() => folder.Dispose();
}

/// <summary>The contract through two stores on one folder, as two processes would have it.</summary>
public sealed class DirectoryObjectStorePairTests : ObjectStoreContract
{
    private readonly TemporaryFolder folder = new();

    protected override async ValueTask<IObjectStore> OpenAsync() =>
        await DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Durable = false }, Cancel);

    protected override ValueTask<IObjectStore> OpenOtherAsync(IObjectStore store) => OpenAsync();

    protected override void RemoveRemains() => folder.Dispose();
}
