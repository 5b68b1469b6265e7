using System.Globalization;
using Npgsql;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>The servers a project names: where the rows are, the slot, the pages and the state.</summary>
internal sealed class ProjectSessions
{
    public ProjectSessions(SyncProject project)
    {
        Project = project;
        var source = project.Settings.Source;
        string url = source.Url.Get(project.Environment);
        Source = Open(url);
        Replication = source.ReplicationUrl?.Find(project.Environment) is { } direct ? Open(direct) : Source;
        Snapshot = source.SnapshotUrl?.Find(project.Environment) is { } standby ? Open(standby) : Source;
        string? state = project.Settings.State.Url?.Find(project.Environment);
        State = state is null || state == url ? Source : Open(state);
    }

    public SyncProject Project { get; }

    public PostgresSessions Source { get; }

    public PostgresSessions Replication { get; }

    public PostgresSessions Snapshot { get; }

    public PostgresSessions State { get; }

    public bool IsStateBesideSource => ReferenceEquals(State, Source);

    public Task<NpgsqlConnection> OpenSourceAsync(CancellationToken cancellation) => Source.OpenAsync(SessionUse.Admin, cancellation);

    /// <summary>Null when nothing was applied or run yet and it may not be created.</summary>
    public Task<SqlSyncState?> OpenStateAsync(bool create, CancellationToken cancellation) =>
        SqlSyncState.OpenAsync(State, Project.Settings.State.Schema, Project.Settings.PipelineName, create, cancellation);

    /// <summary>The state of a pipeline that was applied.</summary>
    /// <exception cref="SyncException">not_applied.</exception>
    public async Task<SqlSyncState> RequireStateAsync(CancellationToken cancellation) => await OpenStateAsync(create: false, cancellation)
        ?? throw new SyncException(
            SyncExit.NotFound, "not_applied", $"Nothing of pipeline {Project.Settings.PipelineName} was applied to {State.Address.Display}.",
            "Run `puff sync apply`.");

    /// <summary>Takes the lock for a command, or says who has it.</summary>
    /// <exception cref="SyncException">runner_locked.</exception>
    public static async Task LockAsync(SqlSyncState state, TimeProvider clock, CancellationToken cancellation)
    {
        var runner = new RunnerRecord(Guid.NewGuid(), System.Environment.MachineName, System.Environment.ProcessId, clock.GetUtcNow());
        if (await state.TryLockAsync(runner, cancellation))
        {
            return;
        }

        var holder = await state.ReadRunnerAsync(cancellation);
        string who = holder is null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" (host {holder.Host}, pid {holder.ProcessId}, since {holder.Since.UtcDateTime:u})");
        throw new SyncException(SyncExit.Conflict, "runner_locked", $"Another runner holds this pipeline{who}.", "Stop it first; `run` waits with --wait.");
    }

    private PostgresSessions Open(string url)
    {
        var settings = Project.Settings.Source;
        var address = PostgresAddress.Parse(url);
        address = address with
        {
            Tls = settings.Tls is { } tls ? (Postgres.TlsMode)tls : address.Tls,
            RootCertificate = settings.TlsRootCertificate?.Find(Project.Environment) ?? address.RootCertificate,
            ClientCertificate = settings.TlsClientCertificate?.Find(Project.Environment) ?? address.ClientCertificate,
            ClientKey = settings.TlsClientKey?.Find(Project.Environment) ?? address.ClientKey,
        };
        return new PostgresSessions(address, Project.Settings.PipelineName)
        {
            StatementTimeout = settings.StatementTimeout ?? TimeSpan.FromSeconds(30),
        };
    }
}
