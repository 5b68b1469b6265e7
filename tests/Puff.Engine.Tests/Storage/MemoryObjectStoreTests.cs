using Puff.Engine.Storage;
using Puff.TestKit.Storage;

namespace Puff.Engine.Tests.Storage;

public sealed class MemoryObjectStoreTests : ObjectStoreContract
{
    protected override ValueTask<IObjectStore> OpenAsync() => new(new MemoryObjectStore());
}
