using System.Diagnostics;

namespace Puff.Sync.Transforms;

internal enum RuntimeKind { Node, Bun, Deno }

/// <summary>A program that can run transforms.</summary>
/// <param name="Path">The executable.</param>
/// <param name="Arguments">What stands before the host script.</param>
/// <param name="Bundler">esbuild's entry module, for a runtime that does not read TypeScript itself; null when it does.</param>
internal sealed record ScriptRuntime(RuntimeKind Kind, string Path, Version Version, IReadOnlyList<string> Arguments, string? Bundler)
{
    /// <summary>Node from which types are stripped without a flag, in the long-term line and after it.</summary>
    private static readonly Version FirstStripping = new(22, 18);
    private static readonly Version FirstCurrentStripping = new(23, 6);

    // Older ones lack what the host itself uses (AbortSignal.any).
    private static readonly Version FirstUsable = new(20, 3);

    /// <summary>Whether it reads .ts files at all.</summary>
    public bool ReadsTypeScript => Bundler is not null || Arguments.Contains("--import") || Kind != RuntimeKind.Node || Strips(Version);

    /// <summary>
    /// Finds the runtime that `transform.runtime` names: `auto` (the first of node, bun and deno that is new enough), one of these names, or a path.
    /// An older Node serves when tsx or esbuild is installed in the project. Throws <see cref="TransformException"/> runtime_missing.
    /// </summary>
    /// <param name="project">Folder from which tsx and esbuild are looked for, upward.</param>
    /// <param name="searchPath">The PATH variable.</param>
    /// <param name="needsTypeScript">False when all entries are JavaScript: then any Node from 20.3 serves.</param>
    public static async Task<ScriptRuntime> FindAsync(
        string setting, string project, string? searchPath, bool needsTypeScript, CancellationToken cancellation)
    {
        string[] names = setting == "auto" ? ["node", "bun", "deno"] : [setting];
        var found = new List<string>();
        foreach (string name in names)
        {
            if (Locate(name, searchPath) is not { } path || await AskAsync(path, cancellation) is not { } program)
            {
                continue;
            }

            if (Complete(program, path, project, needsTypeScript) is { } runtime)
            {
                return runtime;
            }

            found.Add($"{program.Kind} {program.Version}");
        }

        throw new TransformException(
            "runtime_missing",
            $"Transforms need Node ≥ 22.18, Bun or Deno; found {(found.Count == 0 ? "none" : string.Join(", ", found))}"
            + (setting == "auto" ? "." : $" at transform.runtime = \"{setting}\"."),
            "Install Node 22.18 or newer, or run `npm install --save-dev tsx` (or esbuild) in the project for an older Node.");
    }

    private static ScriptRuntime? Complete((RuntimeKind Kind, Version Version) program, string path, string project, bool needsTypeScript)
    {
        var (kind, version) = program;
        switch (kind)
        {
            case RuntimeKind.Bun:
                return new ScriptRuntime(kind, path, version, [], Bundler: null);
            case RuntimeKind.Deno:
                return new ScriptRuntime(kind, path, version, ["run", "--allow-all", "--node-modules-dir=auto"], Bundler: null);
        }

        string[] plain = ["--enable-source-maps", "--no-warnings=ExperimentalWarning"];
        if (version < FirstUsable)
        {
            return null;
        }

        if (Strips(version))
        {
            return new ScriptRuntime(kind, path, version, plain, Bundler: null);
        }

        if (FindModule(project, "tsx/dist/loader.mjs") is { } tsx)
        {
            return new ScriptRuntime(kind, path, version, [.. plain, "--import", new Uri(tsx).AbsoluteUri], Bundler: null);
        }

        if (FindModule(project, "esbuild/lib/main.js") is { } esbuild)
        {
            return new ScriptRuntime(kind, path, version, plain, esbuild);
        }

        return needsTypeScript ? null : new ScriptRuntime(kind, path, version, plain, Bundler: null);
    }

    private static bool Strips(Version version) =>
        version >= FirstCurrentStripping || (version.Major == FirstStripping.Major && version >= FirstStripping);

    /// <summary>A file of an installed package, as module resolution finds it: in the node_modules of this folder or of one above.</summary>
    private static string? FindModule(string folder, string file)
    {
        for (var at = new DirectoryInfo(System.IO.Path.GetFullPath(folder)); at is not null; at = at.Parent)
        {
            string candidate = System.IO.Path.Combine(at.FullName, "node_modules", file);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    private static string? Locate(string name, string? searchPath)
    {
        if (name.Contains(System.IO.Path.DirectorySeparatorChar))
        {
            return File.Exists(name) ? System.IO.Path.GetFullPath(name) : null;
        }

        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        return (searchPath ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => endings, (folder, ending) => System.IO.Path.Combine(folder, name + ending))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>What `--version` answers: "v20.20.2", "1.2.3", "deno 2.1.4 (…)".</summary>
    private static async Task<(RuntimeKind Kind, Version Version)?> AskAsync(string path, CancellationToken cancellation)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string line = (await process.StandardOutput.ReadToEndAsync(cancellation)).Split('\n')[0].Trim();
            await process.WaitForExitAsync(cancellation);
            var kind = line.StartsWith('v') ? RuntimeKind.Node : line.StartsWith("deno", StringComparison.Ordinal) ? RuntimeKind.Deno : RuntimeKind.Bun;
            string number = line.TrimStart('v').Replace("deno ", "", StringComparison.Ordinal).Split(' ', '-')[0];
            return Version.TryParse(number, out var version) ? (kind, version) : null;
        }
        catch (Exception failed) when (failed is System.ComponentModel.Win32Exception or InvalidOperationException or IOException)
        {
            return null;
        }
    }
}
