using System.Globalization;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>Built-in embedding, lines 80 (once for equal texts, not at all for what is cached) and 81 (no second model in a namespace).</summary>
public sealed class EmbeddingTests
{
    private static readonly EmbedDefinition Embed = new(["title"], "", "vector", "openai", null, "small", 3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_equal_texts_are_asked_for_once()
    {
        await using var stub = new EmbeddingStub();
        var fixture = new Fixture(stub);
        var transform = await fixture.LoadAsync(Embed);
        var rows = Enumerable.Range(1, 1000).Select(id => Row(id, "the same", id)).ToList();
        var actions = await transform.RunAsync(rows, 1, Cancellation);
        Assert.Equal(["the same"], Assert.Single(stub.Requests));
        Assert.All(actions, action => Assert.Equal([8f, 1f, 1f], Attribute(action, "vector").AsVectorF32));
        Assert.Equal("Bearer secret", stub.Authorization);
        Assert.Equal((1, 999, 0, 8), (fixture.Counters.Requests, fixture.Counters.Skipped, fixture.Counters.CacheHits, fixture.Counters.Tokens));
    }

    [Fact]
    public async Task The_documents_themselves_are_the_cache()
    {
        await using var stub = new EmbeddingStub();
        var fixture = new Fixture(stub);
        var transform = await fixture.LoadAsync(Embed);
        var first = await transform.RunAsync([Row(1, "a", 1), Row(2, "bb", 1)], 1, Cancellation);
        fixture.Store(1, first[0]);
        fixture.Store(2, first[1]);

        // Only other columns change: nothing is asked.
        var second = await transform.RunAsync([Row(1, "a", 2), Row(2, "bb", 2)], 1, Cancellation);
        Assert.Single(stub.Requests);
        Assert.Equal([1f, 1f, 1f], Attribute(second[0], "vector").AsVectorF32);
        Assert.Equal(2, Attribute(second[1], "views").AsInt);
        Assert.Equal(2, fixture.Counters.CacheHits);

        // A text that changes is asked for, the other one is not.
        await transform.RunAsync([Row(1, "a", 3), Row(2, "ccc", 3)], 1, Cancellation);
        Assert.Equal(["ccc"], stub.Requests.Last());
    }

    [Fact]
    public async Task A_directory_keeps_vectors_over_runs()
    {
        await using var stub = new EmbeddingStub { InBase64 = true };
        var fixture = new Fixture(stub);
        for (int run = 0; run < 2; run++)
        {
            var transform = await fixture.LoadAsync(Embed with { Cache = "directory" });
            var actions = await transform.RunAsync([Row(1, "abc", 1)], 1, Cancellation);
            Assert.Equal([3f, 1f, 1f], Attribute(actions[0], "vector").AsVectorF32);
        }

        Assert.Single(stub.Requests);
        fixture.Clear();
    }

    [Fact]
    public async Task The_mark_depends_on_text_model_and_dimensions()
    {
        await using var stub = new EmbeddingStub();
        var fixture = new Fixture(stub);
        var marks = new HashSet<string>();
        foreach (var embed in new[] { Embed, Embed with { Model = "large" }, Embed with { Provider = "local" }, Embed with { Dimensions = 4 } })
        {
            var transform = await fixture.LoadAsync(embed);
            marks.Add(Attribute((await transform.RunAsync([Row(1, "a", 1)], 1, Cancellation))[0], "_sync_embed").AsString);
        }

        Assert.Equal(4, marks.Count);
        Assert.All(marks, mark => Assert.Matches("^[0-9a-f]{16}$", mark));
    }

    [Fact]
    public async Task Templates_leave_out_null_cut_long_texts_and_skip_empty_rows()
    {
        await using var stub = new EmbeddingStub();
        var fixture = new Fixture(stub);
        var transform = await fixture.LoadAsync(Embed with { Template = "Title: {title}", MaxTokens = 5 });
        var actions = await transform.RunAsync([Row(1, null, 1), Row(2, new string('x', 100), 1), Row(3, new string('ü', 100), 1)], 1, Cancellation);
        Assert.Equal(["Title: xxxxxxxxxxxxx", "Title: üüü"], Assert.Single(stub.Requests));
        Assert.DoesNotContain(actions[0][0].Attributes!, attribute => attribute.Key is "vector" or "_sync_embed");
        Assert.Equal(1, fixture.Counters.Skipped);
        var wrong = Assert.Throws<SyncException>(() => new EmbeddingTemplate(Embed with { Template = "{body}" }));
        Assert.Contains("{body}", wrong.Message);
    }

    [Fact]
    public async Task Requests_hold_at_most_batch_texts()
    {
        await using var stub = new EmbeddingStub();
        var transform = await new Fixture(stub).LoadAsync(Embed with { Batch = 4 });
        await transform.RunAsync([.. Enumerable.Range(1, 10).Select(id => Row(id, $"text {id}", 1))], 1, Cancellation);
        Assert.Equal([4, 4, 2], stub.Requests.Select(request => request.Length));
    }

    [Fact]
    public async Task What_is_temporary_is_waited_for()
    {
        await using var stub = new EmbeddingStub();
        int asked = 0;
        stub.Refuse = _ => asked++ < 2 ? (asked == 1 ? 429 : 503, "0") : null;
        var fixture = new Fixture(stub);
        var transform = await fixture.LoadAsync(Embed);
        Assert.Equal(1f, Attribute((await transform.RunAsync([Row(1, "a", 1)], 1, Cancellation))[0], "vector").AsVectorF32[0]);
        Assert.Equal(3, stub.Requests.Count);
        Assert.Equal(2, fixture.Logs.Count(entry => entry.Text.StartsWith("embedding waits", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("dead_letter")]
    [InlineData("null")]
    public async Task A_text_that_is_refused_is_found_by_halving(string onError)
    {
        await using var stub = new EmbeddingStub { Refuse = texts => texts.Contains("bad") ? (400, null) : null };
        var transform = await new Fixture(stub).LoadAsync(Embed with { OnError = onError });
        var actions = await transform.RunAsync([.. Enumerable.Range(1, 8).Select(id => Row(id, id == 5 ? "bad" : $"good {id}", 1))], 1, Cancellation);
        Assert.Equal(7, actions.Count(action => action[0].Attributes?.Any(attribute => attribute.Key == "vector") == true));
        if (onError == "null")
        {
            Assert.Equal(TransformVerb.Upsert, actions[4][0].Verb);
        }
        else
        {
            Assert.Equal((TransformVerb.Fail, "embed_failed"), (actions[4][0].Verb, actions[4][0].Code));
            Assert.Contains("400 from", actions[4][0].Message);
        }
    }

    [Fact]
    public async Task A_refused_key_is_an_error_of_the_mapping()
    {
        await using var stub = new EmbeddingStub { Refuse = _ => (401, null) };
        var transform = await new Fixture(stub).LoadAsync(Embed);
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync([Row(1, "a", 1)], 1, Cancellation));
        Assert.Equal(("embed_refused", true), (failure.Code, failure.IsOfMapping));
    }

    [Fact]
    public async Task A_spent_budget_pauses_until_the_next_day()
    {
        var time = new ManualTime();
        var limit = new SpendingLimit(TimeSpan.FromDays(1), null, 100, time);
        await limit.WaitAsync(90, null, Cancellation);
        limit.Spend(90);
        await limit.WaitAsync(10, null, Cancellation);
        limit.Spend(10);
        var told = new TaskCompletionSource<TimeSpan>();
        var waiting = limit.WaitAsync(1, told.SetResult, Cancellation);
        Assert.Equal(TimeSpan.FromDays(1), await told.Task);
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromDays(1));
        await waiting;
    }

    [Fact]
    public void Another_model_for_the_same_namespace_is_refused()
    {
        var history = MigrationHistory.Build(
        [
            Migration("0001_posts", "create", "small"), Migration("0002_more", "replace", "small"), Migration("0003_other", "replace", "large"),
        ]);
        var problem = Assert.Single(history.Problems);
        Assert.Equal(("0003_other", "embed_model_changed"), (problem.Directory, problem.Error.Code));
        Assert.Contains("holds vectors of openai small in 3 dimensions", problem.Error.Message);
        history = MigrationHistory.Build([Migration("0001_posts", "create", "small"), Migration("0002_other", "replace", "large", "posts-2")]);
        Assert.Empty(history.Problems);
    }

    [Theory]
    [InlineData("unknown", 3, true, "config_invalid")]
    [InlineData("openai", null, true, "config_invalid")]
    [InlineData("openai", 3, false, "vector_metric_missing")]
    public async Task What_cannot_work_is_said_before_anything_is_asked(string provider, int? dimensions, bool hasMetric, string code)
    {
        await using var stub = new EmbeddingStub();
        var fixture = new Fixture(stub) { HasMetric = hasMetric };
        var failure = await Assert.ThrowsAsync<SyncException>(
            () => fixture.LoadAsync(Embed with { Provider = provider, Dimensions = dimensions }, hasUrl: false));
        Assert.Equal(code, failure.Code);
    }

    private static Migration Migration(string directory, string action, string model, string target = "posts")
    {
        string text = $"""
            mapping = "posts"
            action = "{action}"
            [source]
            table = "posts"
            [target]
            namespace = "{target}"
            distance_metric = "cosine_distance"
            [embed]
            from = ["title"]
            template = "x {"{title}"}"
            attribute = "vector"
            provider = "openai"
            model = "{model}"
            dimensions = 3
            """;
        if (action == "replace")
        {
            text += $"\n[replace]\nnamespace = \"{(target == "posts" ? "same" : "new")}\"\n";
        }

        var file = new ContentFile($"migrations/{directory}/migration.toml", System.Text.Encoding.UTF8.GetBytes(text));
        return MigrationReader.Read(MigrationContent.Of(directory, [file]), SyncEnvironment.Of(new Dictionary<string, string>()));
    }

    private static TransformInput Row(int id, string? title, int views) => TransformProject.Row(
        ChangeKind.Update, id.ToString(CultureInfo.InvariantCulture), title, views.ToString(CultureInfo.InvariantCulture), null, null);

    private static Value Attribute(IReadOnlyList<TransformAction> actions, string name) =>
        actions[0].Attributes!.Single(attribute => attribute.Key == name).Value;

    /// <summary>A mapping with `[embed]` over a stub, and the documents its namespace holds.</summary>
    private sealed class Fixture(EmbeddingStub stub)
    {
        private readonly Dictionary<ulong, DocumentRow> documents = [];
        private readonly string folder = Path.Combine(Path.GetTempPath(), $"puff-embed-{Guid.NewGuid():N}");

        public bool HasMetric { get; init; } = true;

        public List<TransformLog> Logs { get; } = [];

        public EmbeddingCounters Counters { get; private set; } = new();

        public void Store(ulong id, IReadOnlyList<TransformAction> actions) => documents[id] = new DocumentRow(Value.UInt(id), actions[0].Attributes!);

        public void Clear() => Directory.Delete(folder, recursive: true);

        public async Task<ITransform> LoadAsync(EmbedDefinition embed, bool hasUrl = true)
        {
            var options = new TransformHostOptions
            {
                ProjectFolder = folder, CacheFolder = folder, Environment = new Dictionary<string, string> { ["OPENAI_API_KEY"] = "secret" },
            };
            var mapping = TransformProject.Mapping(transform: new TransformDefinition()) with
            {
                Embed = embed with { BaseUrl = hasUrl ? stub.Url : embed.BaseUrl },
                Target = new TargetDefinition("posts", Metric: HasMetric ? DistanceMetric.CosineDistance : null),
            };
            TypeShape[] types = [new(20, "int8"), new(25, "text"), new(23, "int4"), new(701, "float8"), new(16, "bool")];
            var table = new TableShape(
                "public", "posts", [.. TransformProject.Posts.Columns.Zip(types, (column, type) => new TableColumn(column.Name, type))], ["id"]);
            var transforms = new MappingTransforms(options, new HttpClient(), Logs.Add, TimeProvider.System);
            var loaded = await transforms.LoadAsync(mapping, null, "posts", new DocumentPlan(mapping, table), FetchAsync, Cancellation);
            Counters = transforms.Embedding["posts"];
            return loaded!;
        }

        private Task<IReadOnlyList<DocumentRow>> FetchAsync(IReadOnlyList<Value> ids, IReadOnlyList<string> attributes, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<DocumentRow>>(
                [.. ids.Where(id => documents.ContainsKey(id.AsUInt)).Select(id => documents[id.AsUInt])
                    .Select(row => row with { Attributes = [.. row.Attributes.Where(attribute => attributes.Contains(attribute.Key))] })]);
    }

    /// <summary>A clock that moves when it is told to; timers fire then.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private readonly List<Timer> timers = [];
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan by)
        {
            now += by.Ticks;
            foreach (var timer in timers.ToArray())
            {
                timer.Fire();
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(callback, state);
            timers.Add(timer);
            return timer;
        }

        private sealed class Timer(TimerCallback callback, object? state) : ITimer
        {
            public void Fire() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                // Nothing is held.
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
