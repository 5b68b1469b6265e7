using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>TypeScript runs on a Node that reads it, and on an older one with tsx or with esbuild; without either the error says what to do.</summary>
public sealed class TypeScriptRuntimeTests
{
    private const string Code = """
        import type { Change, Result } from "puff-sync";
        import { shout } from "../../lib/shout.ts";
        interface Post { id: bigint; title: string | null }
        export default function transform(changes: Change<Post>[]): Result[] {
          return changes.map(({ row }) => {
            if (row!.title === "title 3") throw new RangeError("three");
            return { action: "upsert", document: { title: shout(row?.title ?? "" as string) } };
          });
        }
        """;

    private const string Library = "export const shout = (text: string): string => text.toUpperCase();";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_node_reads_it_itself()
    {
        await using var project = new TransformProject(withPackages: true);
        project.Options = project.Options with { Runtime = TransformProject.NewNode };
        await RunAsync(project, runtime => Assert.Empty(runtime.Arguments.Intersect(["--import"])));
    }

    [Fact]
    public async Task An_older_node_uses_tsx()
    {
        await using var project = new TransformProject(withPackages: true);
        project.Options = project.Options with { Runtime = OlderNode(project) };
        await RunAsync(project, runtime => Assert.Contains("--import", runtime.Arguments));
    }

    [Fact]
    public async Task An_older_node_uses_esbuild_where_there_is_no_tsx()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Runtime = OlderNode(project) };
        string modules = Directory.CreateDirectory(Path.Combine(project.Folder, "node_modules")).FullName;
        foreach (string package in new[] { "esbuild", "@esbuild" })
        {
            Directory.CreateSymbolicLink(Path.Combine(modules, package), Path.Combine(TransformProject.Packages, package));
        }

        await RunAsync(project, runtime => Assert.EndsWith("esbuild/lib/main.js", runtime.Bundler));
        Assert.Single(Directory.GetFiles(Path.Combine(modules, ".cache", "puff-sync"), "*.mjs"));
    }

    [Fact]
    public async Task Without_either_the_error_names_what_was_found_and_what_is_needed()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Runtime = OlderNode(project) };
        var failure = await Assert.ThrowsAsync<TransformException>(() => project.LoadAsync(Code, "transform.ts"));
        Assert.Equal(("runtime_missing", true), (failure.Code, failure.IsOfMapping));
        Assert.Contains("found Node 20.9.0", failure.Message);
        Assert.Contains("npm install --save-dev tsx", failure.Detail);
    }

    [Fact]
    public async Task A_runtime_that_is_not_there_is_missing()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Runtime = Path.Combine(project.Folder, "no-such-node") };
        var failure = await Assert.ThrowsAsync<TransformException>(() => project.LoadAsync(Code, "transform.ts"));
        Assert.Equal("runtime_missing", failure.Code);
        Assert.Contains("found none", failure.Message);
    }

    private static async Task RunAsync(TransformProject project, Action<ScriptRuntime> check)
    {
        project.Write("lib/shout.ts", Library);
        var transform = await project.LoadAsync(Code, "transform.ts");
        check(project.Host.Runtime);
        var actions = await transform.RunAsync(TransformProject.Rows(2), 1, Cancellation);
        Assert.Equal(["TITLE 1", "TITLE 2"], actions.Select(action => action[0].Attributes![0].Value.AsString));
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(3), 1, Cancellation));
        Assert.Equal("RangeError: three", failure.Message);
        Assert.Contains("transform.ts:6", failure.Detail);
    }

    /// <summary>A Node that says it is 20.9 and, as such, reads no types.</summary>
    private static string OlderNode(TransformProject project)
    {
        string path = project.Write(
            "older-node",
            $"#!/bin/sh\n[ \"$1\" = --version ] && echo v20.9.0 && exit\nexec '{TransformProject.NewNode}' --no-experimental-strip-types \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return path;
    }
}
