using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>One mapping's code in the processes of a <see cref="TransformHost"/>.</summary>
internal sealed class ScriptTransform(TransformHost host, MappingDefinition mapping, TransformModule module, ITransformRowWriter rows, TimeProvider time)
    : ITransform
{
    private readonly CallWriter calls = new(mapping, host.Options.Style, rows);
    private readonly ResultReader results = new(mapping.Id.Type, mapping.Attributes.ArrayNulls);
    private readonly Queue<long> crashes = new();
    private readonly string name = $"{mapping.Name}@{module.Hash}";

    public SchemaUpdate? Schema { get; private set; }

    private TimeSpan Timeout => mapping.Transform.Timeout ?? host.Options.Timeout;

    /// <summary>Loads the code in one process and reads what it declares.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        try
        {
            using var lease = await host.LeaseAsync(cancellation);
            await LoadInAsync(lease.Process);
        }
        catch (HostGoneException gone)
        {
            throw new TransformException("transform_load", $"Cannot load {FileName}: {gone.Message}", gone.Detail, isRetryable: false, gone);
        }
    }

    /// <inheritdoc/>
    /// <remarks>A process that ends is replaced and the changes sent again once, at the first attempt only: halves of a batch come with higher ones.</remarks>
    public async Task<IReadOnlyList<IReadOnlyList<TransformAction>>> RunAsync(
        IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation)
    {
        if (changes.Count == 0)
        {
            return [];
        }

        for (bool isRepeated = attempt > 1; ;)
        {
            try
            {
                using var lease = await host.LeaseAsync(cancellation);
                await LoadInAsync(lease.Process);
                return await CallAsync(lease.Process, changes, attempt, cancellation);
            }
            catch (HostGoneException gone) when (gone.IsOwn)
            {
                // Another call's time was over, or the process was worn out: this one only stood beside.
                cancellation.ThrowIfCancellationRequested();
            }
            catch (HostGoneException gone)
            {
                CountCrash(gone.Detail);
                if (isRepeated)
                {
                    throw new TransformException("transform_error", gone.Message, gone.Detail, isRetryable: false, gone);
                }

                isRepeated = true;
            }
        }
    }

    /// <summary>The host owns the processes; code of a mapping that is no longer called stays loaded until its process is replaced.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string FileName => Path.GetFileName(module.Path);

    private async Task LoadInAsync(HostProcess process)
    {
        var loading = process.LoadAsync(name, json =>
        {
            json.WriteString("mapping"u8, mapping.Name);
            json.WriteString("namespace"u8, module.Namespace);
            json.WriteString("migration"u8, module.Migration);
            json.WriteBoolean("dryRun"u8, host.Options.IsDryRun);
            json.WriteString("path"u8, module.Path);
            json.WriteString("hash"u8, module.Hash);
            json.WriteString("style"u8, host.Options.Style.ToString().ToLowerInvariant());
        });
        if (!loading.IsCompletedSuccessfully)
        {
            using var limit = new CancellationTokenSource(Timeout + host.Options.Grace, time);
            using var end = limit.Token.Register(() => process.Kill($"{FileName} did not load in time"));
            try
            {
                await loading;
            }
            catch (HostGoneException gone) when (limit.IsCancellationRequested)
            {
                throw new TransformException(
                    "transform_load", $"Cannot load {FileName}: no answer within {Timeout.TotalSeconds:0.###} s.", gone.Detail, isRetryable: false, gone);
            }
        }

        ReadLoaded(await loading);
    }

    private void ReadLoaded(HostFrame frame)
    {
        using var document = JsonDocument.Parse(frame.Memory);
        var answer = document.RootElement;
        if (answer.GetProperty("t").GetString() == "load_failed")
        {
            string message = answer.GetProperty("message").GetString() ?? "";
            string hint = message.Contains("Cannot find package", StringComparison.Ordinal) ? " → npm install." : "";
            throw new TransformException("transform_load", $"Cannot load {FileName}: {message}{hint}", answer.GetProperty("stack").GetString());
        }

        if (Schema is not null || answer.GetProperty("schema") is not { ValueKind: not JsonValueKind.Null } schema)
        {
            return;
        }

        try
        {
            Schema = SchemaReader.Read(schema);
        }
        catch (FormatException wrong)
        {
            throw new TransformException("transform_load", $"Cannot load {FileName}: {wrong.Message}", detail: null, isRetryable: false, wrong);
        }
    }

    private async Task<IReadOnlyList<IReadOnlyList<TransformAction>>> CallAsync(
        HostProcess process, IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation)
    {
        long number = host.NextCall();
        using var call = new HostFrameBuilder();
        calls.Write(call.Json, name, number, changes, attempt, Timeout);
        using var limit = new CancellationTokenSource(Timeout + host.Options.Grace, time);
        using var end = limit.Token.Register(() => process.Kill($"a call of {mapping.Name} did not end in time"));
        try
        {
            using var answer = await process.CallAsync(number, call.Finish(), cancellation);
            return answer.ReadKind() == "result" ? results.Read(answer.Json, changes.Count) : throw Failure(answer, changes.Count, attempt);
        }
        catch (HostGoneException gone) when (limit.IsCancellationRequested)
        {
            CountCrash(gone.Detail);
            throw TimedOut(changes.Count, attempt, gone.Detail);
        }
        catch (HostProtocolException wrong)
        {
            throw new TransformException(
                "transform_error", $"The answer of {FileName} is not understood: {wrong.Message}", detail: null, isRetryable: false, wrong);
        }
    }

    private TransformException Failure(HostFrame answer, int count, int attempt)
    {
        using var document = JsonDocument.Parse(answer.Memory);
        var error = document.RootElement;
        string code = error.GetProperty("code").GetString() ?? "transform_error";
        string? stack = error.GetProperty("stack").GetString();
        string? detail = stack is { Length: > 8192 } ? stack[..8192] : stack;
        return code == "transform_timeout"
            ? TimedOut(count, attempt, detail)
            : new TransformException(code, error.GetProperty("message").GetString() ?? "", detail, error.GetProperty("retryable").GetBoolean());
    }

    private TransformException TimedOut(int count, int attempt, string? detail) => new(
        "transform_timeout", $"No answer within {Timeout.TotalSeconds:0.###} s for {count} changes. → raise [transform] timeout or lower batch_rows.",
        detail, isRetryable: attempt == 1);

    /// <summary>Code that keeps ending its process stops its mapping, so that it does not keep the others from working.</summary>
    private void CountCrash(string? detail)
    {
        lock (crashes)
        {
            while (crashes.TryPeek(out long first) && time.GetElapsedTime(first) > host.Options.CrashWindow)
            {
                crashes.Dequeue();
            }

            crashes.Enqueue(time.GetTimestamp());
            if (crashes.Count <= host.Options.MaxCrashes)
            {
                return;
            }

            throw new TransformException(
                "transform_crashes",
                $"Calls of mapping {mapping.Name} ended the transform's process {crashes.Count} times within "
                + $"{host.Options.CrashWindow.TotalMinutes:0.#} minutes.",
                detail);
        }
    }
}
