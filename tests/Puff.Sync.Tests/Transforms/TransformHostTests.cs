using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>What user code does wrong stays with its mapping and its batch: line 62 (throws, hangs, crashes, prints, wrong count).</summary>
public sealed class TransformHostTests
{
    private const string Identity = "export default (changes) => changes.map(({ row }) => ({ action: 'upsert', document: row }));";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_change_gets_its_actions_in_order()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync(Identity);
        var actions = await transform.RunAsync(TransformProject.Rows(300), 1, Cancellation);
        Assert.Equal(300, actions.Count);
        for (int i = 0; i < 300; i++)
        {
            var action = Assert.Single(actions[i]);
            Assert.Equal(TransformVerb.Upsert, action.Verb);
            Assert.Null(action.Id);
            Assert.Equal(["title", "views", "score", "live"], action.Attributes!.Select(attribute => attribute.Key));
            Assert.Equal($"title {i + 1}", action.Attributes![0].Value.AsString);
            Assert.Equal((i + 1) * 10, action.Attributes![1].Value.AsInt);
            Assert.Equal(i + 1.5, action.Attributes![2].Value.AsFloat);
            Assert.Equal(i % 2 == 1, action.Attributes![3].Value.AsBool);
        }

        Assert.Equal(1, project.Host.Starts);
    }

    [Theory]
    [InlineData("(changes) => { throw new TypeError('no such thing'); }", "TypeError: no such thing", false)]
    [InlineData("async (changes) => { await 0; throw Object.assign(new Error('busy'), { retryable: true }); }", "Error: busy", true)]
    [InlineData("async (changes) => Promise.reject('words')", "thrown: words", false)]
    public async Task An_exception_fails_its_call_only(string code, string message, bool isRetryable)
    {
        await using var project = new TransformProject();
        var bad = await project.LoadAsync($"export default {code};", mapping: TransformProject.Mapping("bad"));
        var good = await project.LoadAsync(Identity, mapping: TransformProject.Mapping("good"));
        var failure = await Assert.ThrowsAsync<TransformException>(() => bad.RunAsync(TransformProject.Rows(2), 1, Cancellation));
        Assert.Equal(("transform_error", message, isRetryable, false), (failure.Code, failure.Message, failure.IsRetryable, failure.IsOfMapping));
        Assert.Equal(2, (await good.RunAsync(TransformProject.Rows(2), 1, Cancellation)).Count);
        Assert.Equal(1, project.Host.Starts);
    }

    [Fact]
    public async Task The_stack_names_the_place()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("export default (changes) => {\n  changes[0].row.title.nothing.at();\n};");
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 1, Cancellation));
        Assert.Contains("transform.mjs", failure.Detail);
        Assert.Contains(":2:", failure.Detail);
    }

    [Fact]
    public async Task Code_that_blocks_is_killed_and_others_go_on()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Timeout = TimeSpan.FromMilliseconds(300), Grace = TimeSpan.FromMilliseconds(100) };
        var hanging = await project.LoadAsync("export default (changes) => { for (;;); };", mapping: TransformProject.Mapping("hanging"));
        var patient = new TransformDefinition(TransformKind.TypeScript, Timeout: TimeSpan.FromMinutes(1));
        var good = await project.LoadAsync(Identity, mapping: TransformProject.Mapping("good", patient));
        var hangs = hanging.RunAsync(TransformProject.Rows(3), 1, Cancellation);

        // It stands beside in the same process, and is sent again to the next one.
        var beside = good.RunAsync(TransformProject.Rows(3), 1, Cancellation);
        var failure = await Assert.ThrowsAsync<TransformException>(() => hangs);
        Assert.Equal(("transform_timeout", true), (failure.Code, failure.IsRetryable));
        Assert.Equal("No answer within 0.3 s for 3 changes. → raise [transform] timeout or lower batch_rows.", failure.Message);
        Assert.Equal(3, (await beside).Count);
        failure = await Assert.ThrowsAsync<TransformException>(() => hanging.RunAsync(TransformProject.Rows(3), 2, Cancellation));
        Assert.Equal(("transform_timeout", false), (failure.Code, failure.IsRetryable));
    }

    [Fact]
    public async Task Code_that_heeds_its_signal_ends_at_the_timeout_without_losing_the_process()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Timeout = TimeSpan.FromMilliseconds(200), Grace = TimeSpan.FromMinutes(1) };
        var transform = await project.LoadAsync(
            "export default (changes, ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));");
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 1, Cancellation));
        Assert.Equal("transform_timeout", failure.Code);
        Assert.Equal(1, project.Host.Starts);
    }

    [Fact]
    public async Task A_crash_is_answered_by_a_new_process_and_the_same_batch_once()
    {
        await using var project = new TransformProject();
        string mark = Path.Combine(project.Folder, "crashed").Replace('\\', '/');
        var transform = await project.LoadAsync($$"""
            import { existsSync, writeFileSync } from "node:fs";
            export default (changes) => {
              if (!existsSync("{{mark}}")) { writeFileSync("{{mark}}", ""); console.error("last words"); process.exit(3); }
              return changes.map(() => ({ action: "skip", reason: "seen" }));
            };
            """);
        var actions = await transform.RunAsync(TransformProject.Rows(2), 1, Cancellation);
        Assert.All(actions, action => Assert.Equal((TransformVerb.Skip, "seen"), (action[0].Verb, action[0].Message)));
        Assert.Equal(2, project.Host.Starts);
        Assert.Contains(project.Services.Logs, entry => entry is { Level: "error", Text: "last words", Mapping: "posts" });
    }

    [Fact]
    public async Task A_batch_that_crashes_twice_fails_with_the_last_lines_of_standard_error()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync(
            "export default (changes) => { process.stderr.write('out of cheese\\n'); if (changes.some(({ id }) => id === 2)) process.exit(9); return [{ action: 'skip' }]; };");
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(2), 1, Cancellation));
        Assert.Equal("transform_error", failure.Code);
        Assert.Contains("exit code 9", failure.Message);
        Assert.Contains("out of cheese", failure.Detail);
        Assert.False(failure.IsOfMapping);
        Assert.Equal(2, project.Host.Starts);

        // Halves come with a higher attempt and are sent once.
        Assert.Single(await transform.RunAsync([TransformProject.Rows(2)[0]], 2, Cancellation));
        await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync([TransformProject.Rows(2)[1]], 2, Cancellation));
        Assert.Equal(3, project.Host.Starts);
    }

    [Fact]
    public async Task A_mapping_that_keeps_crashing_fails_as_a_whole()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { MaxCrashes = 2 };
        var transform = await project.LoadAsync("export default () => process.exit(1);");
        await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 1, Cancellation));
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 2, Cancellation));
        Assert.Equal(("transform_crashes", true), (failure.Code, failure.IsOfMapping));
    }

    [Fact]
    public async Task What_code_prints_is_logged_and_does_not_disturb()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            console.log("while loading", { a: 1n });
            export default (changes, ctx) => {
              process.stdout.write("raw line\n");
              console.warn("careful");
              ctx.log.debug("structured", { rows: changes.length });
              return changes.map(() => ({ action: "delete" }));
            };
            """);
        var actions = await transform.RunAsync(TransformProject.Rows(2), 1, Cancellation);
        Assert.All(actions, action => Assert.Equal(TransformVerb.Delete, action[0].Verb));
        Assert.Equal(
            [("info", "while loading {\"a\":\"1\"}"), ("info", "raw line"), ("warn", "careful"), ("debug", "structured")],
            project.Services.Logs.Select(entry => (entry.Level, entry.Text)));
        Assert.All(project.Services.Logs, entry => Assert.Equal("posts", entry.Mapping));
        Assert.Equal(2, project.Services.Logs.Last().Fields!.Value.GetProperty("rows").GetInt32());
    }

    [Fact]
    public async Task Bytes_written_to_the_descriptor_itself_fail_the_batch_and_nothing_hangs()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync(
            "import { writeSync } from 'node:fs'; export default (changes) => { writeSync(1, 'AAAABBBBCCCC'); return changes.map(() => ({ action: 'skip' })); };");
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 1, Cancellation));
        Assert.Equal("transform_error", failure.Code);
        Assert.Contains("standard output", failure.Message);
    }

    [Theory]
    [InlineData("(changes) => changes.slice(1).map(() => ({ action: 'skip' }))", "Got 2 results for 3 changes.")]
    [InlineData("(changes) => undefined", "Got a result that is no array (undefined) for 3 changes.")]
    public async Task A_wrong_number_of_results_is_an_error_of_the_mapping(string code, string message)
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync($"export default {code};");
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(3), 1, Cancellation));
        Assert.Equal(("transform_result_count", message, true), (failure.Code, failure.Message, failure.IsOfMapping));
    }

    [Theory]
    [InlineData("export default 7;", "neither a function nor an object")]
    [InlineData("export default (", "SyntaxError")]
    [InlineData("import 'no-such-package'; export default () => [];", "npm install")]
    [InlineData("export default { transform: () => [], setup() { throw new Error('no key'); } };", "no key")]
    [InlineData("export default { transform: () => [], schema: { title: { typ: 'string' } } };", "unknown key typ")]
    [InlineData("process.exit(4);", "exit code 4")]
    [InlineData("for (;;);", "no answer within 1 s")]
    public async Task A_module_that_does_not_load_stops_its_mapping_only(string code, string expected)
    {
        await using var project = new TransformProject();
        var good = await project.LoadAsync(Identity, mapping: TransformProject.Mapping("good"));
        var impatient = new TransformDefinition(TransformKind.TypeScript, Timeout: TimeSpan.FromSeconds(1));
        var failure = await Assert.ThrowsAsync<TransformException>(
            () => project.LoadAsync(code, mapping: TransformProject.Mapping("bad", code.StartsWith("for", StringComparison.Ordinal) ? impatient : null)));
        Assert.Equal(("transform_load", true), (failure.Code, failure.IsOfMapping));
        Assert.StartsWith("Cannot load transform.mjs:", failure.Message);
        Assert.Contains(expected, failure.Message);
        Assert.Equal(4, (await good.RunAsync(TransformProject.Rows(4), 1, Cancellation)).Count);
    }

    [Fact]
    public async Task A_process_that_answered_enough_is_replaced_without_losing_a_call()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { MaxCalls = 3 };
        var transform = await project.LoadAsync("""
            let torn = 0;
            export default {
              transform: (changes) => changes.map(() => ({ action: "upsert", document: { pid: process.pid } })),
              teardown(ctx) { ctx.log.info("torn down"); },
            };
            """);
        var processes = new HashSet<long>();
        for (int call = 0; call < 8; call++)
        {
            processes.Add((await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation))[0][0].Attributes![0].Value.AsInt);
        }

        Assert.Equal(3, processes.Count);
        await project.Host.DisposeAsync();
        Assert.Equal(3, project.Services.Logs.Count(entry => entry.Text == "torn down"));
    }

    [Fact]
    public async Task A_process_with_too_much_memory_is_replaced()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { MaxMemory = 1 };
        var transform = await project.LoadAsync(Identity);
        await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation);
        await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation);
        Assert.Equal(2, project.Host.Starts);
    }

    [Fact]
    public async Task Calls_run_side_by_side_and_keep_their_results_apart()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Workers = 2 };
        var transform = await project.LoadAsync("""
            export default async (changes) => {
              await new Promise((resolve) => setTimeout(resolve, Number(changes[0].id) % 5));
              return changes.map(({ id }) => ({ action: "upsert", document: { twice: id * 2 } }));
            };
            """);
        await Task.WhenAll(Enumerable.Range(1, 40).Select(async id =>
        {
            var row = TransformProject.Row(ChangeKind.Update, $"{id}", "t", null, null, null);
            var actions = await transform.RunAsync([row], 1, Cancellation);
            Assert.Equal(id * 2, actions[0][0].Attributes![0].Value.AsInt);
        }));
    }

    [Fact]
    public async Task The_callers_cancellation_reaches_the_codes_signal()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            export default (changes, ctx) => new Promise((resolve) => {
              ctx.log.info("waiting");
              ctx.signal.addEventListener("abort", () => { ctx.log.info("stopped: " + ctx.signal.reason.message); resolve([]); });
            });
            """);
        using var stop = new CancellationTokenSource();
        project.Services.OnLog = entry =>
        {
            if (entry.Text == "waiting")
            {
                stop.Cancel();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transform.RunAsync(TransformProject.Rows(1), 1, stop.Token));
        await project.Services.WaitForAsync("stopped: the runner stops");
    }

    [Fact]
    public async Task Credentials_of_databases_are_kept_from_user_code()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with
        {
            Environment = new Dictionary<string, string>
            {
                ["DATABASE_URL"] = "postgres://a:b@c/d", ["OTHER"] = "postgresql://x", ["PGPASSWORD"] = "p", ["OPENAI_API_KEY"] = "k",
            },
        };
        var transform = await project.LoadAsync(
            "export default (changes, ctx) => changes.map(() => ({ action: 'upsert', document: { ctx: Object.keys(ctx.env).sort(), own: Object.keys(process.env).sort() } }));");
        var document = (await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation))[0][0].Attributes!;
        Assert.All(document, attribute => Assert.Equal(["OPENAI_API_KEY", "PATH"], attribute.Value.AsBytesArray.Select(System.Text.Encoding.UTF8.GetString)));
    }
}
