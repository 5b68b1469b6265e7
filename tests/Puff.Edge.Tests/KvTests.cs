using Puff.Edge.Transport;
using Xunit;
using static Puff.Edge.Tests.EdgeFixture;

namespace Puff.Edge.Tests;

/// <summary>The key-value service on every engine: conformance list 1 to 3, 5 and 12.</summary>
public sealed class KvTests
{
    public static TheoryData<EdgeEngine> Engines => [.. EdgeEngines.All];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task What_was_set_is_got_and_survives_a_restart(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        (string Key, string Value)[] pairs = [("a", "1"), ("", "empty key"), ("empty value", ""), ("nul\0in\0key", "nul\0in\0value"), ("ключ", "значение 🙂")];
        foreach (var (key, value) in pairs)
        {
            await edge.KvClient.SetAsync(key, value);
        }

        await edge.KvClient.SetAsync("a", "2");
        if (engine != EdgeEngine.Memory)
        {
            await edge.RestartAsync();
        }

        Assert.Equal("2", await edge.KvClient.GetAsync("a"));
        foreach (var (key, value) in pairs[1..])
        {
            Assert.Equal(value, await edge.KvClient.GetAsync(key));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_thousand_items_on_one_stream_keep_their_order(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        var pairs = Enumerable.Range(0, 1_000).Select(n => KeyValuePair.Create($"key {n}", $"value {n}")).ToArray();
        Assert.Equal(pairs.Select(pair => pair.Key), await edge.KvClient.SetAsync(Stream(pairs)).ToListAsync());
        Assert.Equal(pairs.Select(pair => pair.Value), await edge.KvClient.GetAsync(Stream(pairs.Select(pair => pair.Key))).ToListAsync());
        Assert.Equal(pairs.Select(pair => pair.Key), await edge.KvClient.DeleteAsync(Stream(pairs.Select(pair => pair.Key))).ToListAsync());
        var error = await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.GetAsync("key 7"));
        Assert.Equal((GrpcStatus.NotFound, "key \"key 7\" does not exist"), (error.Status, error.Message));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Each_answer_can_be_waited_for_before_the_next_request(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await using var set = edge.Open("/buffdb.kv.Kv/Set");
        await using var get = edge.Open("/buffdb.kv.Kv/Get");
        for (int n = 0; n < 20; n++)
        {
            await set.WriteAsync(Messages.Set($"k{n}", $"v{n}"));
            Assert.Equal(Messages.Text($"k{n}"), await set.ReadAsync());
            // Both streams are open at once, and the answer came after the commit.
            await get.WriteAsync(Messages.Key($"k{n}"));
            Assert.Equal(Messages.Text($"v{n}"), await get.ReadAsync());
        }

        await set.CompleteAsync();
        Assert.Null(await set.ReadAsync());
    }

    [Theory]
    [InlineData("Get")]
    [InlineData("Set")]
    [InlineData("Delete")]
    public async Task A_stream_without_requests_ends_well(string method)
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory);
        await using var call = edge.Open($"/buffdb.kv.Kv/{method}");
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_missing_key_ends_the_stream_after_the_answers_before_it(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync("there", "1");
        var got = new List<string>();
        var error = await Assert.ThrowsAsync<EdgeException>(async () =>
        {
            await foreach (string value in edge.KvClient.GetAsync(Stream("there", "there", "missing", "there")))
            {
                got.Add(value);
            }
        });
        Assert.Equal(GrpcStatus.NotFound, error.Status);
        Assert.Equal(["1", "1"], got);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Removing_a_missing_key_is_answered_and_refused_only_when_the_call_is_strict(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync(Stream(KeyValuePair.Create("a", "1"), KeyValuePair.Create("b", "2"))).ToListAsync();
        await edge.KvClient.DeleteAsync("missing");

        await using var strict = edge.Open("/buffdb.kv.Kv/Delete", default, ("edge-strict", "1"));
        await strict.WriteAsync(Messages.Key("a"), Messages.Key("missing"), Messages.Key("b"));
        Assert.Equal(Messages.Text("a"), await strict.ReadAsync());
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(strict.ReadAsync)).Status);
        // What comes after the failure is not done.
        Assert.Equal("2", await edge.KvClient.GetAsync("b"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Values_are_compared_whole(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync(Stream(KeyValuePair.Create("a", "x"), KeyValuePair.Create("b", "x"), KeyValuePair.Create("c", "y"))).ToListAsync();
        Assert.True(await edge.KvClient.EqAsync(Stream("a", "b")));
        Assert.False(await edge.KvClient.EqAsync(Stream("a", "b", "c")));
        Assert.True(await edge.KvClient.NotEqAsync(Stream("a", "c")));
        Assert.False(await edge.KvClient.NotEqAsync(Stream("a", "c", "b")));
        Assert.True(await edge.KvClient.EqAsync(Stream<string>()));
        Assert.True(await edge.KvClient.NotEqAsync(Stream<string>()));
        Assert.True(await edge.KvClient.EqAsync(Stream<string>(["c"])));
        // Before the verdict a missing key is an error; after it nobody looks.
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.EqAsync(Stream("a", "missing")))).Status);
        Assert.False(await edge.KvClient.EqAsync(Stream("a", "c", "missing")));
    }

    [Fact]
    public async Task A_false_verdict_comes_while_the_client_still_has_much_to_say()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory);
        await edge.KvClient.SetAsync(Stream(KeyValuePair.Create("a", "x"), KeyValuePair.Create("b", "y"))).ToListAsync();
        await using var call = edge.Open("/buffdb.kv.Kv/Eq");
        await call.WriteAsync(Messages.Key("a"), Messages.Key("b"));
        // The request stream is not ended, and the verdict is there all the same: false, which takes no bytes.
        Assert.Empty((await call.ReadAsync())!);
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task Older_paths_are_served()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory);
        await using (var set = edge.Open("/kv.Kv/Set"))
        {
            await set.WriteAsync(Messages.Set("a", "1"), Messages.Set("b", "2"));
            await set.CompleteAsync();
            Assert.Equal(Messages.Text("a"), await set.ReadAsync());
        }

        await using var many = edge.Open("/kv.Kv/GetMany");
        await many.WriteAsync((byte[])[.. Messages.Key("b"), .. Messages.Key("a")]);
        await many.CompleteAsync();
        Assert.Equal<byte>((byte[])[.. Messages.Text("2"), .. Messages.Text("1")], await many.ReadAsync());
        await using var oldest = edge.Open("/kvstore.Kv/Get");
        await oldest.WriteAsync(Messages.Key("a"));
        Assert.Equal(Messages.Text("1"), await oldest.ReadAsync());
        await using var removed = edge.Open("/kvstore.Kv/Delete");
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EdgeException>(removed.ReadAsync)).Status);
    }

    [Fact]
    public async Task Streams_that_are_open_end_when_the_server_is_disposed()
    {
        var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite);
        await using var call = edge.Open("/buffdb.kv.Kv/Set");
        await call.WriteAsync(Messages.Set("a", "1"));
        Assert.Equal(Messages.Text("a"), await call.ReadAsync());
        Task<byte[]?> waiting = call.ReadAsync();
        await edge.Server.DisposeAsync();
        Assert.Equal(GrpcStatus.Unavailable, (await Assert.ThrowsAsync<EdgeException>(() => waiting)).Status);
        await edge.DisposeAsync();
    }
}
