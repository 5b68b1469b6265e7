using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Sync.Migrations;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <param name="DryRun">Check and list, change nothing.</param>
/// <param name="PrintSql">Print the statements for somebody who may run them, change nothing.</param>
/// <param name="From">First number to apply; null for all.</param>
/// <param name="To">Last number to apply; null for all.</param>
/// <param name="NoSample">Read no rows.</param>
/// <param name="SetIdentity">Give tables without replica identity FULL, instead of refusing them.</param>
public sealed record ApplyOptions(
    bool DryRun = false, bool PrintSql = false, long? From = null, long? To = null, bool NoSample = false, bool SetIdentity = false);

/// <summary>`puff sync apply`: checks pending migrations against the database and applies them, all or nothing.</summary>
public static class ApplyVerb
{
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, ApplyOptions options, CancellationToken cancellation)
    {
        SyncProject project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        var sessions = new ProjectSessions(project);
        MigrationHistory history = project.ReadHistory();
        SqlSyncState? state = await sessions.OpenStateAsync(create: false, cancellation);
        try
        {
            bool isReadOnly = options.DryRun || options.PrintSql;
            if (state is not null && !isReadOnly)
            {
                await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
            }

            var applied = state is null ? [] : AppliedMigrations.Of(await state.ListMigrationsAsync(cancellation));
            var standings = MigrationComparison.Compare(project.ReadContents(), project.ReadLock(), applied);
            if (standings.Select(one => one.Error).FirstOrDefault(error => error is not null) is { } changed)
            {
                throw changed;
            }

            var pending = history.Migrations.Where(one => applied.All(done => done.Number != one.Number)
                && one.Number >= (options.From ?? 0) && one.Number <= (options.To ?? long.MaxValue)).ToList();
            var plan = await ApplyPlan.MakeAsync(invocation, sessions, history, applied, pending, options, cancellation);
            if (options.PrintSql)
            {
                PrintSql(invocation.Console, project, state is null, plan);
                return SyncExit.Done;
            }

            List(invocation.Console, applied, pending, plan);
            if (options.DryRun || (pending.Count == 0 && plan.SourceSql.Count == 0))
            {
                if (!options.DryRun)
                {
                    WriteLock(project, applied);
                }

                return Summarise(invocation.Console, [], applied.Count);
            }

            string question = $"Apply {pending.Count} migration{(pending.Count == 1 ? "" : "s")} to {sessions.Source.Address.Display}?";
            if (!invocation.Confirm(question))
            {
                invocation.Console.Say("nothing was changed");
                return SyncExit.Failed;
            }

            if (state is null)
            {
                state = (await sessions.OpenStateAsync(create: true, cancellation))!;
                await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
            }

            await plan.WriteAsync(state, cancellation);
            WriteLock(project, [.. applied, .. pending.Select(one => new AppliedMigration(one.Number, one.Directory, one.Content.Hash, default, one.Content))]);
            return Summarise(invocation.Console, pending, applied.Count);
        }
        finally
        {
            if (state is not null)
            {
                await state.DisposeAsync();
            }
        }
    }

    private static void PrintSql(ISyncConsole console, SyncProject project, bool isStateMissing, ApplyPlan plan)
    {
        if (isStateMissing)
        {
            console.Print(StateSchema.CreateSql(project.Settings.State.Schema).TrimEnd());
        }

        foreach (string statement in plan.SourceSql)
        {
            console.Print($"{statement};");
        }
    }

    private static void List(ISyncConsole console, IReadOnlyList<AppliedMigration> applied, List<Migration> pending, ApplyPlan plan)
    {
        foreach (AppliedMigration one in applied)
        {
            console.Print($"✓ {one.Directory}");
        }

        foreach (Migration one in pending)
        {
            console.Print($"→ {one.Directory}{Describe(one)}");
            foreach (string note in plan.NotesOf(one))
            {
                console.Say($"  ! {note}");
            }
        }
    }

    private static SyncExit Summarise(ISyncConsole console, IReadOnlyList<Migration> pending, int unchanged)
    {
        foreach (Migration one in pending)
        {
            console.Print($"applied {one.Directory}{Describe(one)}");
        }

        console.Print(string.Create(CultureInfo.InvariantCulture, $"{pending.Count} applied, {unchanged} unchanged"));
        if (console.IsForPrograms)
        {
            console.WriteObject(new JsonObject
            {
                ["applied"] = new JsonArray([.. pending.Select(one => JsonValue.Create(one.Directory))]), ["unchanged"] = unchanged,
            });
        }

        return SyncExit.Done;
    }

    private static string Describe(Migration migration) => migration.Action switch
    {
        MigrationAction.End => " (end)",
        MigrationAction.Replace => migration.Definition!.Replace!.Rows == ReplaceRows.All ? " (replace, all rows)" : " (replace, new changes)",
        _ => "",
    };

    private static void WriteLock(SyncProject project, IReadOnlyList<AppliedMigration> applied)
    {
        LockEntry[] entries = [.. applied.Select(one => new LockEntry(one.Number, one.Directory, one.Hash)).OrderBy(entry => entry.Number)];
        if (project.Folder is { } folder && !project.ReadLock().OrderBy(entry => entry.Number).SequenceEqual(entries))
        {
            LockFile.Write(folder, entries);
        }
    }
}

/// <summary>Stored migrations in the form that files are compared with.</summary>
internal static class AppliedMigrations
{
    public static IReadOnlyList<AppliedMigration> Of(IReadOnlyList<MigrationRecord> records) =>
    [
        .. records.Select(record =>
        {
            string directory = $"{record.Number.ToString("0000", CultureInfo.InvariantCulture)}_{record.Name}";
            string hash = Convert.ToHexStringLower(record.Hash);
            return new AppliedMigration(record.Number, directory, hash, record.AppliedAt, ContentArchive.Unpack(directory, record.Content, hash));
        }),
    ];
}
