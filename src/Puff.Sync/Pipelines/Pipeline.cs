using System.Runtime.ExceptionServices;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>What a pipeline stands on: a server's slot, rows and messages, the state, the clock; or fakes of them.</summary>
internal sealed record PipelineParts(
    ISyncState State, IChangeFeed Feed, IRowSource Rows, ISourceServer Server, TimeProvider Time, Random Random, PipelineEvents Events);

/// <summary>When a run ends by itself.</summary>
/// <param name="UntilCaughtUp">When everything that the server had logged at the start is done and no snapshot is open.</param>
/// <param name="Until">When everything up to this position is done.</param>
/// <param name="NoSnapshot">Snapshots are not read.</param>
internal sealed record RunGoal(bool UntilCaughtUp = false, Lsn? Until = null, bool NoSnapshot = false);

/// <summary>
/// Runs the mappings of one slot: reads the stream, gives it to the lanes, reads snapshots beside it, records positions, confirms. Everything it needs it is
/// given, so that a simulation can drive it.
/// </summary>
internal sealed partial class Pipeline
{
    private readonly PipelineOptions options;
    private readonly PipelineParts parts;
    private readonly string slot;
    private readonly string runner;
    private readonly StreamRouter router;
    private readonly LaneContext context;
    private readonly ProgressKeeper progress;
    private readonly Heartbeat heartbeat;
    private readonly List<LaneHost> hosts = [];
    private readonly Turnstile snapshotTurn;
    private readonly TaskCompletionSource<Exception> fatal = new();
    private readonly Lock sync = new();
    private CancellationTokenSource session = new();
    private volatile bool isDraining;
    private volatile bool isConnected;

    public Pipeline(PipelineOptions options, PipelineParts parts, string slot, string runner, Lsn confirmed)
    {
        this.options = options;
        this.parts = parts;
        this.slot = slot;
        this.runner = runner;
        var budget = new MemoryBudget(options.MemoryBudget / 2);
        router = new StreamRouter(options, budget);
        router.Restart(confirmed);
        context = new LaneContext(
            options, parts.State, parts.Rows, budget, new MemoryBudget(options.MemoryBudget / 2), new Turnstile(options.WriteConcurrency), parts.Time,
            parts.Random, parts.Events, new Signal());
        progress = new ProgressKeeper(router, parts.Feed, context, confirmed);
        heartbeat = new Heartbeat(context, router, progress, parts.Server);
        snapshotTurn = new Turnstile(options.ParallelSnapshots);
    }

    public PipelineOptions Options => options;

    public PipelineParts Parts => parts;

    public IReadOnlyList<LaneHost> Hosts
    {
        get
        {
            lock (sync)
            {
                return [.. hosts];
            }
        }
    }

    public StreamRouter Router => router;

    public ProgressKeeper Progress => progress;

    public Heartbeat Heartbeat => heartbeat;

    public MemoryBudget Budget => context.Budget;

    public bool IsConnected => isConnected;

    /// <summary>Completes when every lane is set up and the stream is being read.</summary>
    public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Runs until stopped or the goal is reached; then what is in flight has been finished, recorded and confirmed.</summary>
    /// <exception cref="SyncException">What ends the whole pipeline.</exception>
    public async Task RunAsync(IReadOnlyList<PipelineMapping> mappings, RunGoal goal, CancellationToken stop)
    {
        using var end = new CancellationTokenSource();
        var tasks = new List<Task>();
        using CancellationTokenRegistration lost = parts.State.LockLost.Register(() => fatal.TrySetResult(new SyncException(
            SyncExit.Conflict, "runner_locked", "The lock of this pipeline was lost: another runner may hold it. This one stops.")));
        try
        {
            await OpenAsync(mappings, goal, stop);
            await DistrustOpenTransactionsAsync(stop);
            heartbeat.Start();
            foreach (LaneHost host in Hosts)
            {
                StartLane(host, end.Token);
            }

            tasks.Add(Guard(ReadStreamAsync(end.Token)));
            tasks.Add(Guard(progress.RunAsync(end.Token)));
            tasks.Add(Guard(heartbeat.ServePagesAsync(end.Token)));
            if (options.HeartbeatInterval > TimeSpan.Zero)
            {
                tasks.Add(Guard(heartbeat.ServeSlotAsync(end.Token)));
            }

            tasks.Add(Guard(ServeRequestsAsync(end.Token)));
            tasks.Add(Guard(RetryLettersAsync(end.Token)));
            tasks.Add(Guard(WatchSlotAsync(end.Token)));
            Started.TrySetResult();
            await WaitForEndAsync(goal, stop);
            await DrainAsync();
        }
        finally
        {
            end.Cancel();
            lock (sync)
            {
                session.Cancel();
            }

            foreach (LaneHost host in Hosts)
            {
                host.Stop.Cancel();
                tasks.Add(host.Running);
            }

            await Task.WhenAll(tasks);
        }
    }

    /// <summary>The stream is read anew from the confirmed position: a mapping that was resumed gets what it missed.</summary>
    private void RestartStream()
    {
        lock (sync)
        {
            session.Cancel();
            session = new CancellationTokenSource();
        }
    }

    private async Task OpenAsync(IReadOnlyList<PipelineMapping> mappings, RunGoal goal, CancellationToken stop)
    {
        IReadOnlyList<SnapshotRecord> snapshots = await context.AskAsync(s => s.ListSnapshotsAsync(openOnly: true, stop), stop);
        IReadOnlyList<DeadLetter> letters = await context.AskAsync(s => s.ListLettersAsync(null, null, int.MaxValue, stop), stop);
        LaneHost[] opened = await Task.WhenAll(mappings.Select(m => OpenMappingAsync(m, letters, stop)));
        lock (sync)
        {
            hosts.AddRange(opened);
        }

        foreach (LaneHost host in opened)
        {
            if (!host.Runs)
            {
                host.Lane.Intake.Stop();
                if (host.Phase == MappingPhase.Stale)
                {
                    progress.Release(host.Lane);
                }
            }
            else if (!goal.NoSnapshot)
            {
                await AddJobsAsync(host, snapshots, stop);
            }
        }

        router.SetLanes(opened.Select(h => h.Lane));
    }

    /// <summary>What an earlier process was streamed may not be visible yet where commits wait for a standby: a stale row must not overwrite it.</summary>
    private async Task DistrustOpenTransactionsAsync(CancellationToken stop)
    {
        if (Hosts.FirstOrDefault(h => h.Runs) is not { } any)
        {
            return;
        }

        for (int attempt = 1; ; attempt++)
        {
            try
            {
                RowPage first = await parts.Rows.ReadPageAsync(RowQueries.Of(any.Mapping, null), null, null, 1, 1, stop);
                foreach (LaneHost host in Hosts)
                {
                    host.Lane.Intake.Window.Distrust(first.Snapshot.Running ?? new HashSet<ulong>());
                }

                return;
            }
            catch (FeedInterruptedException failure)
            {
                parts.Events.Warn("source_unreachable", null, failure.Message);
                await Task.Delay(ReconnectPause(attempt), parts.Time, stop);
            }
            catch (SyncException)
            {
                return; // Its lane meets the same error, and says so.
            }
        }
    }

    private async Task<LaneHost> OpenMappingAsync(PipelineMapping mapping, IReadOnlyList<DeadLetter> letters, CancellationToken stop)
    {
        Lane lane = NewLane(mapping, mapping.Record.Position);
        var host = new LaneHost(mapping, lane);
        if (!host.Runs)
        {
            return host;
        }

        try
        {
            SyncPosition? token = await lane.Writer.OpenAsync(stop);
            if (lane.Writer.Found is { Exists: false } && mapping.Record.Position != default && mapping.Record.Counts.Upserted > 0)
            {
                await StaleAsync(host, "namespace_missing", $"namespace {mapping.Namespace} no longer exists, though documents were written to it", stop);
                return host;
            }

            if (mapping.Destination.HasTokens && token != mapping.Record.Position)
            {
                // The destination knows better: the state may have been saved later, or not at all.
                BatchWriter writer = lane.Writer;
                lane = NewLane(mapping, token ?? default);
                lane.Writer.Adopt(writer);
                host.Lane = lane;
            }

            lane.Letters.Load(letters.Where(l => l.Mapping == host.Name && l.Generation == mapping.Record.Generation
                && l.State is LetterState.Open or LetterState.Permanent));
        }
        catch (LaneStoppedException failure)
        {
            await FailAsync(host, failure);
        }

        return host;
    }

    private Lane NewLane(PipelineMapping mapping, SyncPosition position) =>
        new(mapping, context, position, () => router.Mark, router.Recent, runner);

    private async Task AddJobsAsync(LaneHost host, IReadOnlyList<SnapshotRecord> snapshots, CancellationToken stop)
    {
        SnapshotRecord[] own = [.. snapshots.Where(s => s.Mapping == host.Name && s.Generation == host.Mapping.Record.Generation
            && s.State != SnapshotState.Paused)];
        if (own.Length == 0 && host.Phase == MappingPhase.Pending && host.Mapping.Definition.Snapshot.Mode != SnapshotMode.None)
        {
            own = [await NewSnapshotAsync(host, SnapshotKind.Initial, null, null, stop)];
        }

        foreach (SnapshotRecord snapshot in own)
        {
            // The token is written with the documents, the state after them.
            SnapshotMark? mark = host.Lane.Writer.Mark;
            host.Jobs.Add(new SnapshotJob(host.Lane, mark is not null && mark.Snapshot == snapshot.Id ? snapshot with { Cursor = mark.Cursor } : snapshot));
        }
    }

    /// <summary>Records a snapshot of a mapping; it is read when its turn comes.</summary>
    private async Task<SnapshotRecord> NewSnapshotAsync(
        LaneHost host, SnapshotKind kind, string? where, IReadOnlyList<IReadOnlyList<string>>? keys, CancellationToken cancellation)
    {
        var record = new SnapshotRecord(
            0, host.Name, host.Mapping.Record.Generation, kind, host.Mapping.Definition.Snapshot.Mode, SnapshotState.Requested, progress.Confirmed,
                Where: where,
            Keys: keys);
        long id = await context.AskAsync(s => s.AddSnapshotAsync(record, cancellation), cancellation);
        return record with { Id = id };
    }

    private void StartLane(LaneHost host, CancellationToken end)
    {
        if (!host.Runs)
        {
            return;
        }

        host.Stop = CancellationTokenSource.CreateLinkedTokenSource(end);
        host.Running = RunLaneAsync(host, host.Stop.Token);
    }

    private async Task RunLaneAsync(LaneHost host, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        List<Task> tasks = [];
        try
        {
            tasks.Add(host.Lane.RunAsync(stop.Token));
            tasks.Add(host.Lane.Rereader.RunAsync(stop.Token));
            tasks.Add(RunJobsAsync(host, stop.Token));
            while (tasks.Count > 0)
            {
                Task first = await Task.WhenAny(tasks);
                tasks.Remove(first);
                await first;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped from outside.
        }
        catch (LaneStoppedException failure)
        {
            await FailAsync(host, failure);
        }
        catch (SyncException failure) when (failure.Exit is SyncExit.NotFound or SyncExit.Usage or SyncExit.NotAllowed)
        {
            await FailAsync(host, new LaneStoppedException(failure.Code, failure.Message, failure));
        }
        catch (Exception failure)
        {
            fatal.TrySetResult(failure);
        }
        finally
        {
            stop.Cancel();
            await Task.WhenAll(tasks.Select(Quietly));
        }
    }

    private static async Task Quietly(Task task) => await Task.WhenAny(task);

    private async Task RunJobsAsync(LaneHost host, CancellationToken cancellation)
    {
        while (host.Jobs.Count > 0)
        {
            SnapshotJob job = host.Jobs[0];
            await snapshotTurn.EnterAsync(cancellation);
            try
            {
                if (job.Record.Kind == SnapshotKind.Initial)
                {
                    await SetPhaseAsync(host, MappingPhase.Snapshot, null, null, cancellation);
                }

                parts.Events.Info("snapshot_started", host.Name, $"snapshot {job.Record.Id} ({job.Record.Kind})");
                await job.RunAsync(cancellation);
                parts.Events.Info(
                    "snapshot_done", host.Name, $"{job.Record.RowsRead} rows read, {job.Record.RowsWritten} written, {job.Record.RowsStale} left");
            }
            finally
            {
                snapshotTurn.Leave();
            }

            host.Jobs.Remove(job);
        }

        if (host.Phase is MappingPhase.Snapshot or MappingPhase.Pending)
        {
            await SetPhaseAsync(host, MappingPhase.Streaming, null, null, cancellation);
        }
    }

    private async Task FailAsync(LaneHost host, LaneStoppedException failure)
    {
        host.Lane.Stopped = failure;
        host.Lane.Intake.Stop();
        parts.Events.Error("mapping_errored", host.Name, $"{failure.Code}: {failure.Message}");
        await SetPhaseAsync(host, MappingPhase.Errored, failure.Code, failure.Message, CancellationToken.None);
    }

    private async Task StaleAsync(LaneHost host, string code, string text, CancellationToken cancellation)
    {
        host.Lane.Intake.Stop();
        progress.Release(host.Lane);
        parts.Events.Error("mapping_stale", host.Name, text);
        await SetPhaseAsync(host, MappingPhase.Stale, code, text, cancellation);
    }

    private async Task SetPhaseAsync(LaneHost host, MappingPhase phase, string? code, string? text, CancellationToken cancellation)
    {
        host.Phase = phase;
        (host.ReasonCode, host.ReasonText) = (code, text);
        await context.RecordAsync(s => s.SetPhaseAsync(host.Name, host.Mapping.Record.Generation, phase, code, text, cancellation), cancellation);
    }

    private async Task ReadStreamAsync(CancellationToken end)
    {
        for (int failures = 0; ;)
        {
            CancellationToken again;
            lock (sync)
            {
                again = session.Token;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(end, again);
            try
            {
                router.Restart(progress.Confirmed);
                router.SetLanes(Hosts.Select(h => h.Lane));
                await foreach (ChangeBatch batch in parts.Feed.ReadAsync(progress.Confirmed, options.FeedBytes, either.Token))
                {
                    if (!isConnected)
                    {
                        isConnected = true;
                        parts.Events.Info("stream_started", null, $"streaming from {progress.Confirmed}");
                    }

                    failures = 0;
                    if (!isDraining)
                    {
                        router.Route(batch);
                        await context.Budget.WaitAsync(either.Token);
                    }
                }

                end.ThrowIfCancellationRequested();
            }
            catch (FeedInterruptedException failure)
            {
                failures++;
                parts.Events.Warn("stream_interrupted", null, failure.Message);
            }
            catch (OperationCanceledException) when (!end.IsCancellationRequested)
            {
                // A mapping was resumed, or the stream stalled.
            }

            isConnected = false;
            Interrupt();
            if (failures > 0)
            {
                await Task.Delay(ReconnectPause(failures), parts.Time, end);
            }
        }
    }

    private TimeSpan ReconnectPause(int failures)
    {
        double ceiling = Math.Min(options.ReconnectMax.TotalMilliseconds, options.ReconnectBase.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 20)));
        lock (parts.Random)
        {
            return TimeSpan.FromMilliseconds((0.5 + (parts.Random.NextDouble() / 2)) * ceiling);
        }
    }

    /// <summary>What waits for the stream has to be read again: a page may show what a crashed server has forgotten.</summary>
    private void Interrupt()
    {
        foreach (LaneHost host in Hosts)
        {
            IReadOnlyList<HeldPage> discarded = host.Lane.Intake.Interrupt();
            foreach (SnapshotJob job in host.Jobs.ToArray())
            {
                job.Interrupt();
                job.Discarded(discarded);
            }

            host.Lane.Rereader.Interrupted(discarded);
        }
    }

    private async Task WaitForEndAsync(RunGoal goal, CancellationToken stop)
    {
        Lsn? target = goal.Until;
        if (goal.UntilCaughtUp)
        {
            target = (await parts.Server.IdentifyAsync(stop)).InsertLsn;
            await heartbeat.BeatAsync(stop);
        }

        while (!stop.IsCancellationRequested)
        {
            if (fatal.Task.IsCompleted)
            {
                ExceptionDispatchInfo.Throw(await fatal.Task);
            }

            if (target is { } wanted && progress.Done >= wanted && (!goal.UntilCaughtUp || Hosts.All(IsCaughtUp)))
            {
                return;
            }

            TimeSpan pause = target is null ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMilliseconds(20);
            try
            {
                await Task.Delay(pause, parts.Time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static bool IsCaughtUp(LaneHost host) => !host.Runs || (host.Jobs.Count == 0 && host.Lane.IsIdle);

    /// <summary>Takes nothing more from the stream, lets what is in flight be written, records and confirms it.</summary>
    private async Task DrainAsync()
    {
        isDraining = true;
        using var limit = new CancellationTokenSource(options.ShutdownTimeout, parts.Time);
        try
        {
            while (!Hosts.All(h => !h.Runs || h.Lane.Intake.IsWritten) && !fatal.Task.IsCompleted)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), parts.Time, limit.Token);
            }

            await progress.SaveAsync(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            parts.Events.Warn("shutdown_timeout", null, $"not everything was written within {options.ShutdownTimeout}; it is streamed again at the next start");
        }
    }

    /// <summary>Tasks that should never end: their failure ends the pipeline.</summary>
    private async Task Guard(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // The pipeline ends.
        }
        catch (Exception failure)
        {
            fatal.TrySetResult(failure);
        }
    }
}
