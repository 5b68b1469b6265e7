using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>The process that ran a transform is gone: user code ended it, it ran out of memory, or it was ended from here.</summary>
/// <param name="isOwn">Ended from here because of another call (its time was over, or the process was replaced): this call is not to blame.</param>
internal sealed class HostGoneException(string message, string? detail, bool isOwn, Exception? inner = null) : Exception(message, inner)
{
    public string? Detail { get; } = detail;

    public bool IsOwn { get; } = isOwn;
}

/// <summary>One process that runs transforms, and what it was asked and has not answered.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    public const int ProtocolVersion = 1;

    private readonly Process process;
    private readonly ITransformServices services;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<HostFrame>> calls = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<HostFrame>> loads = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<HostFrame>>> loaded = new();
    private readonly TaskCompletionSource<HostFrame> ready = NewAnswer();
    private readonly SemaphoreSlim writing = new(1);
    private readonly CancellationTokenSource ending = new();
    private readonly StandardErrorTail errors;
    private readonly Task receiving;
    private volatile string? ownReason;
    private HostGoneException? gone;
    private long served;

    private HostProcess(Process process, ITransformServices services)
    {
        this.process = process;
        this.services = services;
        errors = new StandardErrorTail(process.StandardError, line => services.Log(new TransformLog("warn", null, line)));
        receiving = ReceiveAsync();
    }

    /// <summary>What it says of itself: "node 24.1.0".</summary>
    public string Description { get; private set; } = "";

    public int Id => process.Id;

    /// <summary>Calls it has answered.</summary>
    public long Served => Interlocked.Read(ref served);

    /// <summary>Its resident memory after the last answer, in bytes.</summary>
    public long ResidentBytes { get; private set; }

    public bool IsBusy => !calls.IsEmpty;

    public bool IsGone => Volatile.Read(ref gone) is not null;

    /// <summary>Starts the process and waits until it speaks the protocol. Throws <see cref="HostGoneException"/>.</summary>
    public static async Task<HostProcess> StartAsync(
        ProcessStartInfo start, string? bundler, string bundleFolder, ITransformServices services, CancellationToken cancellation)
    {
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception failed)
        {
            throw new HostGoneException($"{start.FileName} does not start: {failed.Message}", null, isOwn: false, failed);
        }

        var host = new HostProcess(process, services);
        try
        {
            await host.SendAsync(
                json =>
                {
                    json.WriteString("t"u8, "hello"u8);
                    json.WriteNumber("version"u8, ProtocolVersion);
                    json.WriteString("bundler"u8, bundler);
                    json.WriteString("bundleFolder"u8, bundleFolder);
                },
                cancellation);
            using var answer = await host.ready.Task.WaitAsync(cancellation);
            using var document = JsonDocument.Parse(answer.Memory);
            host.Description = document.RootElement.GetProperty("node").GetString() ?? "";
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Loads a module once in this process; the answer is `loaded` or `load_failed` and stays valid as long as the process.</summary>
    /// <param name="module">Its name in this process.</param>
    /// <param name="body">Writes the other properties of the message.</param>
    public Task<HostFrame> LoadAsync(string module, Action<Utf8JsonWriter> body) =>
        loaded.GetOrAdd(module, _ => new Lazy<Task<HostFrame>>(() => LoadOnceAsync(module, body))).Value;

    /// <summary>Sends a call; the answer is `result` or `error` and belongs to the caller.</summary>
    public async Task<HostFrame> CallAsync(long number, ReadOnlyMemory<byte> frame, CancellationToken cancellation)
    {
        var answer = NewAnswer();
        calls[number] = answer;
        try
        {
            await WriteAsync(frame, cancellation);
            ThrowIfGone();
            return await answer.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            Abandon(number, answer);
            throw;
        }
        finally
        {
            calls.TryRemove(number, out _);
        }
    }

    /// <summary>Ends the process from here; calls in flight learn that they are not to blame.</summary>
    /// <param name="onlyIfBusy">Do nothing to a process that could stop by itself.</param>
    public void Kill(string reason, bool onlyIfBusy = false)
    {
        if (!onlyIfBusy || IsBusy)
        {
            ownReason ??= reason;
            KillTree();
        }
    }

    /// <summary>Lets the modules tear down and the process end by itself; after the patience it is killed.</summary>
    public async Task StopAsync(TimeSpan patience, TimeProvider time)
    {
        ownReason ??= "it was stopped";
        try
        {
            await SendAsync(json => json.WriteString("t"u8, "stop"u8), CancellationToken.None).WaitAsync(patience, time);
            await receiving.WaitAsync(patience, time);
        }
        catch (Exception late) when (late is TimeoutException or HostGoneException)
        {
            Kill("it did not stop");
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Kill("it was stopped");
        await ending.CancelAsync();
        await receiving;
        await errors.EndAsync();
        foreach (var load in loaded.Values.Where(load => load is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }))
        {
            (await load.Value).Dispose();
        }

        loaded.Clear();
        process.Dispose();
        ending.Dispose();
        writing.Dispose();
    }

    private async Task<HostFrame> LoadOnceAsync(string module, Action<Utf8JsonWriter> body)
    {
        var answer = NewAnswer();
        loads[module] = answer;
        await SendAsync(
            json =>
            {
                json.WriteString("t"u8, "load"u8);
                json.WriteString("module"u8, module);
                body(json);
            },
            CancellationToken.None);
        ThrowIfGone();
        return await answer.Task;
    }

    private static TaskCompletionSource<HostFrame> NewAnswer() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The answer may still come: then nobody waits for its buffer.</summary>
    private void Abandon(long number, TaskCompletionSource<HostFrame> answer)
    {
        if (!answer.TrySetCanceled() && answer.Task.IsCompletedSuccessfully)
        {
            answer.Task.Result.Dispose();
        }

        _ = QuietlyAsync(SendAsync(
            json =>
            {
                json.WriteString("t"u8, "abort"u8);
                json.WriteNumber("n"u8, number);
            },
            CancellationToken.None));
    }

    private static async Task QuietlyAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception lost) when (lost is HostGoneException or ObjectDisposedException)
        {
            // Without a process there is nothing left to tell.
        }
    }

    private async Task SendAsync(Action<Utf8JsonWriter> body, CancellationToken cancellation)
    {
        using var frame = new HostFrameBuilder();
        frame.Json.WriteStartObject();
        body(frame.Json);
        frame.Json.WriteEndObject();
        await WriteAsync(frame.Finish(), cancellation);
    }

    /// <summary>Half a frame would end all understanding, so a frame that was begun is written whole whatever the caller's cancellation says.</summary>
    private async Task WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellation)
    {
        await writing.WaitAsync(cancellation);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(frame, ending.Token);
            await process.StandardInput.BaseStream.FlushAsync(ending.Token);
        }
        catch (Exception broken) when (broken is IOException or ObjectDisposedException or OperationCanceledException)
        {
            await receiving;
            ThrowIfGone();
            throw new HostGoneException("the transform's process does not read", errors.ToString(), ownReason is not null, broken);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ReceiveAsync()
    {
        string? wrong = null;
        try
        {
            await Task.Yield();
            while (await HostFrame.ReadAsync(process.StandardOutput.BaseStream, ending.Token) is { } frame)
            {
                Receive(frame);
            }
        }
        catch (Exception broken) when (IsBroken(broken) || broken is OperationCanceledException)
        {
            wrong = broken is OperationCanceledException ? null : broken.Message;
            if (!ending.IsCancellationRequested)
            {
                KillTree();
            }
        }

        await FailAsync(wrong);
    }

    /// <summary>Leaves <see cref="ownReason"/> alone: after broken frames user code is to blame.</summary>
    private void KillTree()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception late) when (late is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended by itself meanwhile.
        }
    }

    private async Task FailAsync(string? wrong)
    {
        await process.WaitForExitAsync();
        await errors.EndAsync();
        string cause = ownReason ?? wrong ?? $"it ended with exit code {process.ExitCode}";
        var failure = new HostGoneException($"The process that runs transforms is gone: {cause}.", errors.ToString(), ownReason is not null);
        Volatile.Write(ref gone, failure);
        foreach (var answer in calls.Values.Concat(loads.Values).Append(ready))
        {
            if (answer.TrySetException(failure))
            {
                _ = answer.Task.Exception;
            }
        }
    }

    private void ThrowIfGone()
    {
        if (Volatile.Read(ref gone) is { } failure)
        {
            throw new HostGoneException(failure.Message, failure.Detail, failure.IsOwn, failure);
        }
    }

    private void Receive(HostFrame frame)
    {
        string kind = frame.ReadKind();
        switch (kind)
        {
            case "result" or "error":
                Complete(frame);
                break;
            case "loaded" or "load_failed":
                if (!loads.TryRemove(ModuleOf(frame), out var load) || !load.TrySetResult(frame))
                {
                    frame.Dispose();
                }

                break;
            case "ready":
                ready.TrySetResult(frame);
                break;
            case "log":
                using (frame)
                {
                    Log(frame);
                }

                break;
            case "embed" or "cache_get" or "cache_set" or "lookup":
                _ = AnswerAsync(kind, frame);
                break;
            default:
                frame.Dispose();
                throw new HostProtocolException($"a message of type {kind}");
        }
    }

    private void Complete(HostFrame frame)
    {
        Interlocked.Increment(ref served);
        var (number, resident) = NumberOf(frame);
        ResidentBytes = resident ?? ResidentBytes;
        if (!calls.TryGetValue(number, out var answer) || !answer.TrySetResult(frame))
        {
            frame.Dispose();
        }
    }

    private static (long Number, long? Resident) NumberOf(HostFrame frame)
    {
        long? number = null;
        long? resident = null;
        var json = new Utf8JsonReader(frame.Json);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool isNumber = json.ValueTextEquals("n"u8);
            bool isResident = json.ValueTextEquals("rss"u8);
            json.Read();
            number = isNumber ? Integer(ref json) : number;
            resident = isResident ? Integer(ref json) : resident;

            // In results the actions stand last.
            if (isResident)
            {
                break;
            }

            json.Skip();
        }

        return (number ?? throw new HostProtocolException("an answer has no number"), resident);
    }

    private static long Integer(ref Utf8JsonReader json) =>
        json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long number) ? number : throw new HostProtocolException("a number is missing");

    private static string ModuleOf(HostFrame frame)
    {
        using var document = JsonDocument.Parse(frame.Memory);
        return document.RootElement.TryGetProperty("module", out var module) && module.ValueKind == JsonValueKind.String
            ? module.GetString()!
            : throw new HostProtocolException("an answer names no module");
    }

    private void Log(HostFrame frame)
    {
        using var document = JsonDocument.Parse(frame.Memory);
        var root = document.RootElement;
        if (!TryText(root, "level", out string? level) || !TryText(root, "text", out string? text) || level is null || text is null)
        {
            throw new HostProtocolException("a log message has no level or no text");
        }

        TryText(root, "mapping", out string? mapping);
        bool hasFields = root.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Object;
        services.Log(new TransformLog(level, mapping, text, hasFields ? fields.Clone() : null));
    }

    private static bool TryText(JsonElement root, string name, out string? text)
    {
        text = root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        return text is not null;
    }

    private async Task AnswerAsync(string kind, HostFrame frame)
    {
        using var owned = frame;
        await Task.Yield();
        try
        {
            await QuietlyAsync(HostQuestions.AnswerAsync(kind, frame.Memory, services, SendAsync, ending.Token));
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            services.Log(new TransformLog("error", null, $"a question of the transform host is not understood: {broken.Message}"));
            KillTree();
        }
        catch (OperationCanceledException)
        {
            // The process ends: nobody waits for the answer.
        }
    }

    private static bool IsBroken(Exception thrown) =>
        thrown is HostProtocolException or IOException or JsonException or InvalidOperationException or FormatException or KeyNotFoundException;
}
