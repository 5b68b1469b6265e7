using System.Diagnostics;
using System.Security.Cryptography;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>Where a migration's code lies and what identifies it.</summary>
/// <param name="Path">The entry, absolute.</param>
/// <param name="Hash">The migration's hash: another hash is other code.</param>
/// <param name="Migration">The migration's directory name, as user code sees it.</param>
/// <param name="Namespace">The full name, prefix included.</param>
internal sealed record TransformModule(string Path, string Hash, string Migration, string Namespace);

/// <summary>Runs the TypeScript transforms of a project in processes of its own, shared by all mappings.</summary>
internal sealed class TransformHost : IAsyncDisposable
{
    private const string ScriptResource = "host.mjs";

    private readonly TransformHostOptions options;
    private readonly ITransformServices services;
    private readonly TimeProvider time;
    private readonly ScriptRuntime runtime;
    private readonly HostWorker[] workers;
    private long callNumber;

    private TransformHost(ScriptRuntime runtime, TransformHostOptions options, ITransformServices services, TimeProvider time)
    {
        this.runtime = runtime;
        this.options = options;
        this.services = services;
        this.time = time;
        string script = WriteScript(options.CacheFolder ?? DefaultCacheFolder());
        workers = new HostWorker[Math.Max(1, options.Workers)];
        for (int worker = 0; worker < workers.Length; worker++)
        {
            workers[worker] = new HostWorker(cancellation => StartAsync(script, cancellation), options, time);
        }
    }

    public TransformHostOptions Options => options;

    public ScriptRuntime Runtime => runtime;

    /// <summary>Processes started so far, replaced ones included: `transform_restarts_total` is this less the number of workers.</summary>
    public int Starts => workers.Sum(worker => worker.Starts);

    /// <summary>Finds the runtime; no process is started before a module is loaded. Throws <see cref="TransformException"/> runtime_missing.</summary>
    /// <param name="entries">The entries that will be loaded: plain JavaScript needs less of a runtime.</param>
    public static async Task<TransformHost> OpenAsync(
        TransformHostOptions options, IEnumerable<string> entries, ITransformServices services, TimeProvider time, CancellationToken cancellation)
    {
        bool needsTypeScript = entries.Any(entry => Path.GetExtension(entry) is not (".js" or ".mjs" or ".cjs"));
        options.Environment.TryGetValue("PATH", out string? searchPath);
        var runtime = await ScriptRuntime.FindAsync(options.Runtime, options.ProjectFolder, searchPath, needsTypeScript, cancellation);
        return new TransformHost(runtime, options, services, time);
    }

    /// <summary>Loads a mapping's code. Throws <see cref="TransformException"/> transform_load, and that only: other mappings are not touched.</summary>
    public async Task<ITransform> LoadAsync(MappingDefinition mapping, TransformModule module, ITransformRowWriter rows, CancellationToken cancellation)
    {
        var transform = new ScriptTransform(this, mapping, module, rows, time);
        await transform.LoadAsync(cancellation);
        return transform;
    }

    public long NextCall() => Interlocked.Increment(ref callNumber);

    /// <summary>A process with the fewest calls in it.</summary>
    public Task<HostWorker.Lease> LeaseAsync(CancellationToken cancellation) => workers.MinBy(worker => worker.Leases)!.LeaseAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
        {
            await worker.DisposeAsync();
        }
    }

    private Task<HostProcess> StartAsync(string script, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(runtime.Path)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardErrorEncoding = System.Text.Encoding.UTF8, UseShellExecute = false, WorkingDirectory = options.ProjectFolder,
        };
        foreach (string argument in runtime.Arguments.Append(script))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (var (name, value) in HostEnvironment.For(options.Environment, options.PassDatabaseUrl))
        {
            start.Environment[name] = value;
        }

        return HostProcess.StartAsync(start, runtime.Bundler, BundleFolder(), services, cancellation);
    }

    /// <summary>Bundles lie inside the node_modules that holds esbuild, so that packages they import are found from there.</summary>
    private string BundleFolder() =>
        runtime.Bundler is { } bundler
            ? Path.GetFullPath(Path.Combine(Path.GetDirectoryName(bundler)!, "..", "..", ".cache", "puff-sync"))
            : "";

    /// <summary>puff-sync in the user's own cache.</summary>
    public static string DefaultCacheFolder() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "puff-sync");

    /// <summary>Named by its content, so that versions of the product do not meet; moved into place whole.</summary>
    private static string WriteScript(string folder)
    {
        using var resource = typeof(TransformHost).Assembly.GetManifestResourceStream(ScriptResource)!;
        byte[] script = new byte[resource.Length];
        resource.ReadExactly(script);
        string path = Path.Combine(folder, $"host-{Convert.ToHexStringLower(SHA256.HashData(script))[..16]}.mjs");
        if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(script))
        {
            Directory.CreateDirectory(folder);
            string fresh = $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}";
            File.WriteAllBytes(fresh, script);
            File.Move(fresh, path, overwrite: true);
        }

        return path;
    }
}
