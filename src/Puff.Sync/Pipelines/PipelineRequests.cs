using System.Text.Json;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>What others ask of a running pipeline: pause, resume, snapshots, letters; and what it does by itself now and then.</summary>
internal sealed partial class Pipeline
{
    private CancellationToken requestsEnd;

    /// <summary>Holds its position: nothing is lost, and the slot keeps what it has not had.</summary>
    public async Task PauseAsync(string mapping, CancellationToken cancellation)
    {
        LaneHost host = HostOf(mapping);
        if (!host.Runs)
        {
            return;
        }

        host.Lane.Intake.Stop();
        host.Stop.Cancel();
        await host.Running;
        await SetPhaseAsync(host, MappingPhase.Paused, null, null, cancellation);
        parts.Events.Info("mapping_paused", mapping, $"held at {host.Position}");
    }

    /// <summary>Goes on from where it is held; a stale mapping is read anew.</summary>
    public async Task ResumeAsync(string mapping, bool snapshot, CancellationToken cancellation)
    {
        LaneHost host = HostOf(mapping);
        if (host.Runs)
        {
            return;
        }

        bool wasStale = host.Phase == MappingPhase.Stale;
        await host.Running;
        IReadOnlyList<DeadLetter> letters = await context.AskAsync(s => s.ListLettersAsync(mapping, null, int.MaxValue, cancellation), cancellation);
        PipelineMapping current = host.Mapping with
        {
            Record = host.Mapping.Record with { Position = host.Position, Phase = MappingPhase.Streaming },
        };
        LaneHost opened = await OpenMappingAsync(current, letters, cancellation);
        IReadOnlyList<SnapshotRecord> open = await context.AskAsync(s => s.ListSnapshotsAsync(openOnly: true, cancellation), cancellation);
        foreach (SnapshotRecord record in open.Where(s => s.Mapping == mapping && s.Generation == current.Record.Generation))
        {
            opened.Jobs.Add(new SnapshotJob(opened.Lane, record));
        }

        if ((wasStale || snapshot) && opened.Jobs.Count == 0 && opened.Runs)
        {
            opened.Jobs.Add(new SnapshotJob(opened.Lane, await NewSnapshotAsync(opened, SnapshotKind.Initial, null, null, cancellation)));
        }

        lock (sync)
        {
            hosts[hosts.IndexOf(host)] = opened;
        }

        // It gets its changes from the session that begins now: what the old one still delivers lies beyond what it needs first.
        await SetPhaseAsync(opened, opened.Phase, opened.ReasonCode, opened.ReasonText, cancellation);
        StartLane(opened, requestsEnd);
        RestartStream();
        parts.Events.Info("mapping_resumed", mapping, $"from {opened.Position}");
    }

    /// <summary>Reads rows of a mapping again, all or some.</summary>
    public async Task<long> SnapshotAsync(
        string mapping, SnapshotKind kind, string? where, IReadOnlyList<IReadOnlyList<string>>? keys, CancellationToken cancellation)
    {
        LaneHost host = HostOf(mapping);
        if (!host.Runs)
        {
            throw new SyncException(SyncExit.Failed, "mapping_not_running", $"Mapping \"{mapping}\" is {host.Phase}.", "resume it first");
        }

        SnapshotRecord record = await NewSnapshotAsync(host, kind, where, keys, cancellation);
        var job = new SnapshotJob(host.Lane, record);
        host.Jobs.Add(job);
        if (host.Jobs.Count == 1)
        {
            _ = Guard(RunLaneJobsAsync(host));
        }

        return record.Id;
    }

    /// <summary>Reads the rows of letters again.</summary>
    public int RetryLetters(string? mapping, IReadOnlyCollection<long>? ids, bool all)
    {
        int asked = 0;
        foreach (LaneHost host in Hosts.Where(h => h.Runs && (mapping is null || h.Name == mapping)))
        {
            foreach (DeadLetter letter in host.Lane.Letters.Due(all || ids is not null).Where(l => ids is null || ids.Contains(l.Id)))
            {
                host.Lane.Rereader.Ask(new RowKey([.. letter.Key]), null);
                asked++;
            }
        }

        return asked;
    }

    private async Task RunLaneJobsAsync(LaneHost host)
    {
        try
        {
            await RunJobsAsync(host, host.Stop.Token);
        }
        catch (LaneStoppedException failure)
        {
            await FailAsync(host, failure);
        }
    }

    private LaneHost HostOf(string mapping) => Hosts.FirstOrDefault(h => h.Name == mapping)
        ?? throw new SyncException(SyncExit.NotFound, "mapping_not_found", $"There is no mapping \"{mapping}\" in this pipeline.");

    private async Task ServeRequestsAsync(CancellationToken end)
    {
        requestsEnd = end;
        while (true)
        {
            await Task.Delay(options.RequestInterval, parts.Time, end);
            IReadOnlyList<RequestRecord> requests = [];
            try
            {
                requests = await parts.State.TakeRequestsAsync(end);
                parts.Events.StateAvailable();
            }
            catch (StateUnavailableException failure)
            {
                parts.Events.StateUnavailable(failure.Message);
            }

            foreach (RequestRecord request in requests)
            {
                string result = await AnswerAsync(request, end);
                await context.RecordAsync(s => s.FinishRequestAsync(request.Id, result, end), end);
            }
        }
    }

    private async Task<string> AnswerAsync(RequestRecord request, CancellationToken cancellation)
    {
        try
        {
            using var arguments = JsonDocument.Parse(request.ArgumentsJson);
            JsonElement root = arguments.RootElement;
            string? mapping = Text(root, "mapping");
            switch (request.Verb)
            {
                case "pause":
                    foreach (string name in Named(mapping))
                    {
                        await PauseAsync(name, cancellation);
                    }

                    return """{"ok":true}""";
                case "resume":
                    foreach (string name in Named(mapping))
                    {
                        await ResumeAsync(name, root.TryGetProperty("snapshot", out JsonElement wanted) && wanted.GetBoolean(), cancellation);
                    }

                    return """{"ok":true}""";
                case "snapshot":
                    long id = await SnapshotAsync(mapping!, KindOf(root), Text(root, "where"), Keys(root), cancellation);
                    return $$"""{"ok":true,"snapshot":{{id}}}""";
                case "dlq_retry":
                    return $$"""{"ok":true,"asked":{{RetryLetters(mapping, Numbers(root), all: true)}}}""";
                default:
                    return $$"""{"ok":false,"code":"unknown_request","message":"{{JsonEncodedText.Encode(request.Verb)}}"}""";
            }
        }
        catch (SyncException failure)
        {
            return $$"""{"ok":false,"code":"{{failure.Code}}","message":"{{JsonEncodedText.Encode(failure.Message)}}"}""";
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $$"""{"ok":false,"code":"bad_request","message":"{{JsonEncodedText.Encode(failure.Message)}}"}""";
        }
    }

    private string[] Named(string? mapping) => mapping is null ? [.. Hosts.Select(h => h.Name)] : [mapping];

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static SnapshotKind KindOf(JsonElement root) => Text(root, "kind") is { } kind ? Enum.Parse<SnapshotKind>(kind, ignoreCase: true)
        : SnapshotKind.Replay;

    private static IReadOnlyList<IReadOnlyList<string>>? Keys(JsonElement root) => root.TryGetProperty("keys", out JsonElement keys)
        ? [.. keys.EnumerateArray().Select(k => (IReadOnlyList<string>)[.. k.EnumerateArray().Select(v => v.GetString()!)])]
        : null;

    private static long[]? Numbers(JsonElement root) => root.TryGetProperty("ids", out JsonElement ids) ? [.. ids.EnumerateArray().Select(v => v.GetInt64())]
        : null;

    private async Task RetryLettersAsync(CancellationToken end)
    {
        RetryLetters(null, null, all: false);
        while (true)
        {
            await Task.Delay(options.ReplayInterval, parts.Time, end);
            RetryLetters(null, null, all: false);
        }
    }

    /// <summary>Looks after what the slot keeps: above the limit, mappings that cannot advance are let go so that the others and the server live.</summary>
    private async Task WatchSlotAsync(CancellationToken end)
    {
        bool warned = false;
        while (true)
        {
            await Task.Delay(options.RequestInterval, parts.Time, end);
            SlotState? state;
            try
            {
                state = await parts.Server.ReadSlotAsync(slot, end);
            }
            catch (FeedInterruptedException)
            {
                continue;
            }

            if (state is null)
            {
                continue;
            }

            Slot = state;
            if (state.RetainedBytes > options.WarnRetained != warned)
            {
                warned = !warned;
                parts.Events.Warn("slot_retained", null, $"the slot keeps {state.RetainedBytes >> 20} MiB of WAL");
            }

            if (state.RetainedBytes > options.MaxRetained || state.Status is WalStatus.Unreserved or WalStatus.Lost)
            {
                foreach (LaneHost host in Hosts.Where(h => h.Phase is MappingPhase.Paused or MappingPhase.Errored or MappingPhase.Degraded))
                {
                    host.Stop.Cancel();
                    await StaleAsync(host, "slot_limit", $"released: the slot kept {state.RetainedBytes >> 20} MiB of WAL for it", end);
                }
            }
        }
    }

    /// <summary>The slot as it was last seen.</summary>
    public SlotState? Slot { get; private set; }
}
