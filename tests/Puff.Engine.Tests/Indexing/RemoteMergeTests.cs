using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Merging on a store that is far away.</summary>
public sealed class RemoteMergeTests
{
    [Fact]
    public async Task A_merge_fetches_its_inputs_in_long_runs_and_not_block_by_block()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 2 };
        for (ulong segment = 0; segment < 2; segment++)
        {
            await using (var writer = await fixture.OpenAsync())
            {
                var ids = Enumerable.Range(0, 400).Select(i => (segment * 400) + (ulong)i);
                await writer.WriteAsync("docs", new WriteRequest
                {
                    Upserts = [.. ids.Select(id => Row(id, ("text", Value.String(new string((char)('a' + (id % 26)), 8_000)))))],
                    Schema = new SchemaUpdate([new AttributeUpdate("text") { Type = "string", Filterable = false }]),
                });
            }

            Assert.True(await fixture.FlushAsync("docs"));
        }

        var remote = new RemoteStore(fixture.Store);
        await using var store = new ExtentObjectStore(remote, new ExtentStoreOptions { HedgedShare = 0 });
        var target = fixture.OpenNamespace("docs", store);
        await target.FreshenAsync();
        Assert.True(await new Merger(fixture.NewContext(store)).MergeAsync(target, isIdle: false, default));
        target.Close();

        // Two times 3.2 MB of rows and some small parts: about a hundred blocks, in requests of up to a mebibyte.
        Assert.InRange(remote.Gets.Count(g => g.Key.Contains("/seg/", StringComparison.Ordinal)), 8, 40);
    }
}
