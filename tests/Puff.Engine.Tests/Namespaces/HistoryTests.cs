using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit.Segments;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Restoring a namespace to a moment: which moments there are, and that each gives exactly what was acknowledged by then.</summary>
public sealed class HistoryTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Every_moment_of_the_retention_comes_back_whether_it_was_indexed_merged_or_neither()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 2 };
        var engine = await fixture.OpenAsync();
        var moments = new List<DateTimeOffset>();
        for (ulong i = 0; i < 12; i++)
        {
            time.Advance(Minute);
            await engine.WriteAsync("docs", Upsert(Row(i)));
            moments.Add(time.GetUtcNow());
            if (i % 3 == 1)
            {
                await fixture.FlushAsync("docs");
                await fixture.MergeAsync("docs");
            }
        }

        for (int i = 0; i < moments.Count; i++)
        {
            var result = await engine.RestoreAsync("docs", RestoreMoment.At(moments[i] + (Minute / 2)), $"at-{i}");
            Assert.Equal((i + 1, i + 1, moments[i]), ((int)result.Sequence, (int)result.Documents, result.At));
            Assert.Equal(Enumerable.Range(0, i + 1).Select(n => (ulong)n), await IdsAsync(await fixture.OpenAsync(), $"at-{i}"));
        }

        var history = await engine.GetHistoryAsync("docs");
        Assert.Equal(12, history.Spans[^1].LastSequence);
        Assert.Equal(moments[^1], history.Spans[^1].Through);
        Assert.Empty((await engine.CheckAsync(null)).Problems);

        var missing = await Assert.ThrowsAsync<PuffException>(() => engine.RestoreAsync("docs", RestoreMoment.At(moments[0] - Minute - Minute), "early"));
        Assert.Equal(ErrorKind.NotFound, missing.Kind);
    }

    [Fact]
    public async Task What_left_the_retention_is_refused_with_the_oldest_possible_moment_and_is_collected()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 2, History = TimeSpan.FromHours(3) };
        var engine = await fixture.OpenAsync();
        for (ulong i = 0; i < 20; i++)
        {
            time.Advance(TimeSpan.FromMinutes(30));
            await engine.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int((long)i)))));
            await fixture.FlushAsync("docs");
            await fixture.CollectAsync("docs");
        }

        var oldest = (await engine.GetHistoryAsync("docs")).Spans[0];
        var now = time.GetUtcNow();
        Assert.InRange(now - oldest.From, TimeSpan.FromHours(3), TimeSpan.FromHours(4));
        var refused = await Assert.ThrowsAsync<PuffException>(
            () => engine.RestoreAsync("docs", RestoreMoment.At(oldest.From - Minute), "refused"));
        Assert.Equal(ErrorKind.Invalid, refused.Kind);
        Assert.Contains(RestoreMoment.At(oldest.From).ToString(), refused.Message, StringComparison.Ordinal);
        await engine.RestoreAsync("docs", RestoreMoment.After(oldest.Epoch, oldest.FirstSequence), "oldest");
        Assert.Equal(Ids(1), await IdsAsync(engine, "oldest"));

        // Nobody writes: in the end the present state is all there is, and it costs nothing more.
        await engine.DeleteAsync("oldest");
        await fixture.FlushAsync("oldest");
        for (int turn = 0; turn < 3; turn++)
        {
            time.Advance(TimeSpan.FromHours(4));
            await fixture.CollectAsync("oldest");
            await fixture.CollectAsync("docs");
        }

        string left = string.Join(' ', await fixture.KeysAsync("puff/ns/docs/"));
        Assert.Matches("^puff/ns/docs/current( puff/ns/docs/seg/[a-z0-9]*.(attributes|columns|ids|rows)){4}$", left);
        Assert.Single((await engine.GetHistoryAsync("docs")).Spans);
        Assert.Empty((await engine.CheckAsync(null)).Unreferenced);
    }

    [Fact]
    public async Task A_deleted_namespace_comes_back_under_its_own_name_as_long_as_it_is_kept()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { History = TimeSpan.FromDays(1) };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1), Row(2)));
        await fixture.FlushAsync("docs");
        await engine.WriteAsync("docs", Upsert(Row(3)));
        var alive = time.GetUtcNow();
        time.Advance(Minute);
        await engine.DeleteAsync("docs");
        var deleted = time.GetUtcNow();
        await fixture.FlushAsync("docs");
        for (int turn = 0; turn < 5; turn++)
        {
            time.Advance(TimeSpan.FromHours(4));
            await fixture.CollectAsync("docs");
        }

        var gone = await Assert.ThrowsAsync<PuffException>(() => engine.RestoreAsync("docs", RestoreMoment.At(deleted), "docs"));
        Assert.Equal(ErrorKind.NotFound, gone.Kind);
        Assert.Contains("deleted", gone.Message, StringComparison.Ordinal);
        await engine.RestoreAsync("docs", RestoreMoment.At(alive), "docs");
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(await fixture.OpenAsync(), "docs"));
        var exists = await Assert.ThrowsAsync<PuffException>(() => engine.RestoreAsync("docs", RestoreMoment.At(alive), "docs"));
        Assert.Equal(ErrorKind.Conflict, exists.Kind);

        // It goes on like any other, and what it came from goes with time.
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [Value.UInt(1)], Upserts = [Row(4)] });
        await fixture.FlushAsync("docs");
        for (int turn = 0; turn < 12; turn++)
        {
            time.Advance(TimeSpan.FromHours(4));
            await fixture.CollectAsync("docs");
            Assert.Equal(Ids(2, 3, 4), await IdsAsync(await fixture.OpenAsync(), "docs"));
        }

        var report = await engine.CheckAsync(null);
        Assert.Empty(report.Problems);
        Assert.Empty(report.Unreferenced);
        Assert.Empty(await fixture.KeysAsync("puff/ns/docs/wal/"));
        Assert.Empty(await fixture.KeysAsync("puff/ns/docs/history/"));
    }

    [Fact]
    public async Task A_clock_that_goes_back_does_not_reorder_the_moments()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        var engine = await fixture.OpenAsync();
        time.Advance(Minute);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        var first = time.GetUtcNow();
        time.Advance(-Minute / 2);
        await engine.WriteAsync("docs", Upsert(Row(2)));

        var last = (await engine.GetHistoryAsync("docs")).Spans[^1];
        Assert.Equal((2, first), (last.LastSequence, last.Through));
        await engine.RestoreAsync("docs", RestoreMoment.After(last.Epoch, 1), "one");
        Assert.Equal(Ids(1), await IdsAsync(engine, "one"));
    }

    [Fact]
    public async Task Without_a_retention_nothing_is_kept_and_the_tail_can_still_be_restored()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { History = TimeSpan.Zero };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        var first = time.GetUtcNow();
        time.Advance(Minute);
        await engine.WriteAsync("docs", Upsert(Row(2)));
        await fixture.FlushAsync("docs");
        time.Advance(Minute);
        await engine.WriteAsync("docs", Upsert(Row(3)));
        time.Advance(Minute);
        await engine.WriteAsync("docs", Upsert(Row(4)));

        Assert.Empty(await fixture.KeysAsync("puff/ns/docs/history/"));
        await engine.RestoreAsync("docs", RestoreMoment.At(time.GetUtcNow() - Minute), "three");
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(engine, "three"));
        var refused = await Assert.ThrowsAsync<PuffException>(() => engine.RestoreAsync("docs", RestoreMoment.At(first), "one"));
        Assert.Equal(ErrorKind.Invalid, refused.Kind);
        Assert.Contains("oldest possible moment", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_to_what_is_kept_is_found_by_the_check_and_named()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await fixture.FlushAsync("docs");
        string kept = Assert.Single(await fixture.KeysAsync("puff/ns/docs/history/"));
        byte[] content = await StoredObjects.ReadAsync(fixture.Store, kept);
        string entry = Assert.Single(await fixture.KeysAsync("puff/ns/docs/wal/"));
        Assert.Empty((await engine.CheckAsync(null)).Problems);

        await StoredObjects.WriteAsync(fixture.Store, kept, content[..^1]);
        Assert.Contains(kept, Assert.Single((await engine.CheckAsync(null)).Problems).Problem, StringComparison.Ordinal);
        var damage = await Assert.ThrowsAsync<PuffException>(() => engine.RestoreAsync("docs", RestoreMoment.At(DateTimeOffset.UtcNow), "copy"));
        Assert.Equal(ErrorKind.Corrupt, damage.Kind);
        await StoredObjects.WriteAsync(fixture.Store, kept, content);
        await fixture.Store.DeleteAsync(entry, Puff.Engine.Storage.StorePurpose.User, default);
        Assert.Equal(entry, Assert.Single((await engine.CheckAsync(null)).Problems).Key);
    }

    [Fact]
    public async Task A_damaged_kept_manifest_holds_what_is_older_until_its_time_is_over()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 2, History = TimeSpan.FromHours(3) };
        var engine = await fixture.OpenAsync();
        for (ulong i = 0; i < 4; i++)
        {
            time.Advance(TimeSpan.FromMinutes(10));
            await engine.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int((long)i)))));
            await fixture.FlushAsync("docs");
        }

        string kept = (await fixture.KeysAsync("puff/ns/docs/history/"))[^2];
        byte[] content = await StoredObjects.ReadAsync(fixture.Store, kept);
        await StoredObjects.WriteAsync(fixture.Store, kept, content[..^1]);
        var before = await fixture.KeysAsync("puff/ns/docs/");
        time.Advance(TimeSpan.FromHours(1));
        await fixture.CollectAsync("docs");
        time.Advance(TimeSpan.FromHours(2.5));
        await fixture.CollectAsync("docs");
        Assert.DoesNotContain(before.Except(await fixture.KeysAsync("puff/ns/docs/")), k => !k.Contains("/history/", StringComparison.Ordinal));
        Assert.Contains(kept, await fixture.KeysAsync("puff/ns/docs/"));

        // What can be restored no more needs nothing.
        for (int turn = 0; turn < 4; turn++)
        {
            time.Advance(TimeSpan.FromHours(4));
            await fixture.CollectAsync("docs");
        }

        string left = string.Join(' ', await fixture.KeysAsync("puff/ns/docs/"));
        Assert.Matches("^puff/ns/docs/current( puff/ns/docs/seg/[a-z0-9]*.(attributes|columns|ids|rows)){4}", left);
        Assert.DoesNotContain("history", left, StringComparison.Ordinal);
        Assert.Empty((await engine.CheckAsync(null)).Problems);
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs"));
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("1234/5")]
    [InlineData("0123456789abcdef/-1")]
    public void What_is_no_moment_is_refused(string text) => Assert.Equal(ErrorKind.Invalid, Assert.Throws<PuffException>(() => RestoreMoment.Parse(text)).Kind);

    /// <summary>Whatever happened: a moment within the retention gives what was acknowledged by then, an older one that or a refusal.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Any_acknowledged_moment_gives_exactly_what_was_there(int seed)
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time, Seed = seed };
        fixture.Settings = fixture.Settings with { MergeFanIn = 3, History = TimeSpan.FromHours(seed) };
        var run = new RandomRun(fixture, time, new Xorshift(seed));
        await run.StartAsync();
        for (int step = 0; step < 300; step++)
        {
            await run.StepAsync();
            if (step % 6 == 5)
            {
                await run.RestoreAsync($"seed {seed}, step {step}");
            }
        }

        Assert.InRange(run.Restored, 20, 50);
        Assert.Empty((await (await fixture.OpenAsync()).CheckAsync(null)).Problems);
    }

    private sealed class RandomRun(EngineFixture fixture, SkippingTime time, Xorshift random)
    {
        private readonly Dictionary<string, SortedDictionary<ulong, long>> live = [];
        private readonly Dictionary<string, List<(DateTimeOffset At, SortedDictionary<ulong, long>? Documents)>> moments = [];
        private PuffEngine engine = null!;
        private ulong stamp;

        public int Restored { get; private set; }

        public async Task StartAsync() => engine = await fixture.OpenAsync();

        public async Task StepAsync()
        {
            string name = ((char)('a' + random.Next(3))).ToString();
            time.Advance(TimeSpan.FromMilliseconds(1 + random.Next(60_000)));
            switch (random.Next(12))
            {
                case 0 when live.ContainsKey(name):
                    await engine.DeleteAsync(name);
                    live.Remove(name);
                    Acknowledge(name);
                    break;
                case 1 when !live.ContainsKey(name) && live.Count > 0:
                    string parent = live.Keys.ElementAt(random.Next(live.Count));
                    await engine.WriteAsync(name, new WriteRequest { BranchFromNamespace = parent });
                    live.Add(name, new(live[parent]));
                    Acknowledge(name);
                    break;
                case 2 or 3 or 4:
                    await fixture.FlushAsync(name);
                    break;
                case 5:
                    await fixture.MergeAsync(name);
                    break;
                case 6:
                    time.Advance(TimeSpan.FromMinutes(random.Next(90)));
                    await fixture.CollectAsync(name);
                    break;
                default:
                    await WriteAsync(name);
                    break;
            }
        }

        public async Task RestoreAsync(string when)
        {
            if (moments.Count == 0)
            {
                return;
            }

            string name = moments.Keys.ElementAt(random.Next(moments.Count));
            var retention = fixture.Settings.History;
            var at = time.GetUtcNow() - (retention * random.Next(1200) / 1000);
            var expected = moments[name].LastOrDefault(m => m.At <= at);
            bool isOld = time.GetUtcNow() - at > retention;

            // A name of its own, or its own name when it was deleted.
            string target = !live.ContainsKey(name) && random.Next(2) == 0 ? name : $"restored-{stamp++}";
            try
            {
                var result = await engine.RestoreAsync(name, RestoreMoment.At(at), target);
                Assert.True(expected.Documents is not null, $"{when}: {name} at {at:O} did not exist and came as {result}");
                Assert.True(expected.Documents.SequenceEqual(await DocumentsAsync(target)), $"{when}: {name} at {at:O} as {target}");
                Restored++;
            }
            catch (PuffException refused) when (refused.Kind is ErrorKind.NotFound or ErrorKind.Invalid)
            {
                Assert.True(isOld || (expected.Documents is null && refused.Kind == ErrorKind.NotFound), $"{when}: {name} at {at:O}: {refused.Message}");
                return;
            }

            if (target == name)
            {
                live.Add(name, new(expected.Documents));
                Acknowledge(name);
                return;
            }

            await fixture.FlushAsync(target);
            await engine.DeleteAsync(target);
        }

        private async Task WriteAsync(string name)
        {
            var documents = live.TryGetValue(name, out var existing) ? existing : live[name] = [];
            ulong id = (ulong)random.Next(12);
            bool deletes = documents.Count > 0 && random.Next(3) == 0;
            stamp++;
            await engine.WriteAsync(name, deletes
                ? new WriteRequest { Deletes = [Value.UInt(id)] } : Upsert(Row(id, ("n", Value.Int((long)stamp)))));
            _ = deletes ? documents.Remove(id) : (documents[id] = (long)stamp) > 0;
            Acknowledge(name);
        }

        private void Acknowledge(string name)
        {
            moments.TryAdd(name, []);
            moments[name].Add((time.GetUtcNow(), live.TryGetValue(name, out var documents) ? new(documents) : null));
        }

        private async Task<IEnumerable<KeyValuePair<ulong, long>>> DocumentsAsync(string name)
        {
            await using var cold = await PuffEngine.OpenAsync(fixture.Settings, new EngineComponents { Store = fixture.Store, Time = fixture.Time });
            var query = new QueryRequest
            {
                RankBy = new OrderRank([new OrderKey("id", false)]), Limit = 100, Select = new AttributeSelection(true, null, null),
            };
            var result = await cold.QueryAsync(name, query);
            return result.Rows!.Select(r => KeyValuePair.Create(r.Id.AsUInt, r.Attributes.Single(a => a.Key == "n").Value.AsInt)).ToArray();
        }
    }
}
