using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>A mapping's transform in C#, in this process.</summary>
/// <param name="code">User code.</param>
/// <param name="assembly">The load context to give up at the end; null for code that is part of the process.</param>
internal sealed class AssemblyTransform(
    ISyncTransform code, TransformAssembly? assembly, MappingDefinition mapping, TransformModule module, TransformHostOptions options,
    ITransformServices services, TimeProvider time) : ITransform
{
    private readonly IReadOnlyDictionary<string, string> environment =
        HostEnvironment.For(options.Environment, options.PassDatabaseUrl).ToDictionary(variable => variable.Key, variable => variable.Value);

    /// <summary>Declarations stand in the migration.</summary>
    public SchemaUpdate? Schema => null;

    private TimeSpan Timeout => mapping.Transform.Timeout ?? options.Timeout;

    /// <summary>Loads the class that a migration names and sets it up. Throws <see cref="TransformException"/> transform_load.</summary>
    public static async Task<ITransform> LoadAsync(
        MappingDefinition mapping, TransformModule module, TransformHostOptions options, ITransformServices services, TimeProvider time,
        CancellationToken cancellation)
    {
        var (code, assembly) = TransformAssembly.Load(module.Path, mapping.Transform.TypeName ?? "");
        return await SetUpAsync(new AssemblyTransform(code, assembly, mapping, module, options, services, time), module.Path, cancellation);
    }

    /// <summary>Sets up code that is registered in this process.</summary>
    public static Task<ITransform> RegisterAsync(
        ISyncTransform code, MappingDefinition mapping, TransformModule module, TransformHostOptions options, ITransformServices services, TimeProvider time,
        CancellationToken cancellation) =>
        SetUpAsync(new AssemblyTransform(code, null, mapping, module, options, services, time), code.GetType().Name, cancellation);

    public async Task<IReadOnlyList<IReadOnlyList<TransformAction>>> RunAsync(
        IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation)
    {
        var rows = new SyncRow[changes.Count];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new SyncRow(changes[i]);
        }

        var actions = new ActionBuffer(rows.Length);
        await GuardAsync(token => code.TransformAsync(rows, actions, Context(attempt), token), $"{rows.Length} changes", attempt, cancellation);
        return actions.Finish() ?? throw new TransformException(
            "transform_result_count", $"Got actions for {rows.Length - actions.Missing} of {rows.Length} changes.");
    }

    public async ValueTask DisposeAsync()
    {
        if (code is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync();
        }
        else if (code is IDisposable plain)
        {
            plain.Dispose();
        }

        assembly?.Unload();
    }

    private static async Task<ITransform> SetUpAsync(AssemblyTransform transform, string name, CancellationToken cancellation)
    {
        try
        {
            await transform.SetUpAsync(cancellation);
            return transform;
        }
        catch (TransformException failed)
        {
            await transform.DisposeAsync();
            throw new TransformException(
                "transform_load", $"Cannot load {Path.GetFileName(name)}: {failed.Message}", failed.Detail, isRetryable: false, failed);
        }
    }

    private Task SetUpAsync(CancellationToken cancellation) =>
        GuardAsync(token => code.SetupAsync(Context(1), token), "the setup", 1, cancellation);

    private TransformContext Context(int attempt) => new(
        mapping.Name, module.Namespace, module.Migration, environment, attempt, options.IsDryRun,
        (level, text) => services.Log(new TransformLog(level, mapping.Name, text)));

    /// <summary>Runs user code on a thread of the pool, so that code that blocks does not stop the lane; it cannot be killed, only left alone.</summary>
    private async Task GuardAsync(Func<CancellationToken, ValueTask> call, string what, int attempt, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var running = Task.Run(async () => await call(both.Token), CancellationToken.None);
        try
        {
            await running.WaitAsync(Timeout + options.Grace, time, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception failed) when (limit.IsCancellationRequested && failed is TimeoutException or OperationCanceledException)
        {
            throw new TransformException(
                "transform_timeout", $"No answer within {Timeout.TotalSeconds:0.###} s for {what}. → raise [transform] timeout or lower batch_rows.",
                detail: null, isRetryable: attempt == 1, failed);
        }
        catch (Exception failed)
        {
            // User code may throw anything; whatever it is fails this call and nothing else.
            string stack = failed.ToString();
            throw new TransformException(
                "transform_error", $"{failed.GetType().Name}: {failed.Message}", stack.Length <= 8192 ? stack : stack[..8192], isRetryable: false, failed);
        }
    }
}
