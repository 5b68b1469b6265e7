using System.Text.Json.Nodes;
using Npgsql;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;

namespace Puff.Sync.Verbs;

/// <summary>One line of `doctor`.</summary>
/// <param name="Mark">✓ fine, ! worth knowing, ✗ must be mended.</param>
internal sealed record Finding(char Mark, string Check, string Text, string? Remedy = null);

/// <summary>`puff sync doctor`: what stands in the way of a pipeline, and what to do.</summary>
public static class DoctorVerb
{
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        var sessions = new ProjectSessions(project);
        var findings = new List<Finding>();
        try
        {
            await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
            findings.Add(new Finding('✓', "connection", $"connected to {sessions.Source.Address.Display} as {sessions.Source.Address.User}"));
            findings.AddRange(await new DoctorServer(sessions, session).CheckAsync(cancellation));
            findings.AddRange(await new DoctorPipeline(sessions, session).CheckAsync(cancellation));
        }
        catch (FeedInterruptedException unreachable)
        {
            findings.Add(new Finding('✗', "connection", unreachable.Message, "Check the source's URL, and that the server runs."));
            Report(invocation.Console, findings);
            return SyncExit.Temporary;
        }
        catch (SyncException refused) when (findings.Count == 0)
        {
            findings.Add(new Finding('✗', "connection", refused.Message, refused.Remedy));
        }

        Report(invocation.Console, findings);
        return findings.Any(finding => finding.Mark == '✗') ? SyncExit.Failed : SyncExit.Done;
    }

    private static void Report(ISyncConsole console, List<Finding> findings)
    {
        if (console.IsForPrograms)
        {
            console.WriteRows([.. findings.Select(finding => new JsonObject
            {
                ["check"] = finding.Check,
                ["result"] = finding.Mark switch { '✓' => "ok", '!' => "warning", _ => "error" },
                ["text"] = finding.Text,
                ["remedy"] = finding.Remedy,
            })]);
            return;
        }

        foreach (var finding in findings)
        {
            console.Print($"{finding.Mark} {finding.Text}{(finding.Remedy is { } remedy ? $" → {remedy}" : "")}");
        }
    }
}

/// <summary>Checks of the server and the role.</summary>
internal sealed class DoctorServer(ProjectSessions sessions, NpgsqlConnection session)
{
    private readonly List<Finding> findings = [];

    public async Task<IReadOnlyList<Finding>> CheckAsync(CancellationToken cancellation)
    {
        CheckPooler();
        await CheckTlsAsync(cancellation);
        var settings = (await Catalog.ListAsync(
            session,
            """
            SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('wal_level', 'max_replication_slots', 'max_wal_senders', 'wal_sender_timeout',
                'max_slot_wal_keep_size', 'logical_decoding_work_mem', 'synchronous_commit', 'idle_replication_slot_timeout', 'server_version')
            """,
            reader => (Name: reader.GetString(0), Value: reader.GetString(1)), cancellation)).ToDictionary(one => one.Name, one => one.Value);
        int version = session.PostgreSqlVersion.Major;
        Add(version is >= 14 and <= 18, "version", $"PostgreSQL {settings["server_version"]}", "14 to 18 are supported.");
        await CheckStandbyAsync(version, cancellation);
        Add(settings["wal_level"] == "logical", "wal_level", $"wal_level is {settings["wal_level"]}",
            "ALTER SYSTEM SET wal_level = logical; and restart (RDS: rds.logical_replication = 1).");
        await CheckFreeAsync(settings, cancellation);
        CheckSettings(settings);
        await CheckRoleAsync(cancellation);
        await CheckTransactionsAsync(cancellation);
        return findings;
    }

    private void CheckPooler()
    {
        var address = sessions.Replication.Address;
        Add(!address.LooksLikePooler, "pooler", address.LooksLikePooler ? $"{address.Host}:{address.Port} is a pooler" : "no pooler in between",
            "Replication needs the direct host: set source.replication_url.");
    }

    private async Task CheckTlsAsync(CancellationToken cancellation)
    {
        bool isUsed = await Catalog.ScalarAsync(session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", cancellation) is true;
        bool isVerified = sessions.Source.Address.Tls is Postgres.TlsMode.VerifyCa or Postgres.TlsMode.VerifyFull;
        findings.Add(isUsed && isVerified
            ? new Finding('✓', "tls", "TLS, certificate verified")
            : new Finding('!', "tls", isUsed ? "TLS, certificate not verified" : "no TLS", "Set source.tls = \"verify-full\" where others share the network."));
    }

    private async Task CheckStandbyAsync(int version, CancellationToken cancellation)
    {
        if (await Catalog.ScalarAsync(session, "SELECT pg_is_in_recovery()", cancellation) is true)
        {
            Add(version >= 16, "standby", "the source is a standby", "Decoding on a standby needs version 16; use the primary.");
        }
    }

    private async Task CheckFreeAsync(Dictionary<string, string> settings, CancellationToken cancellation)
    {
        long slots = (long)(await Catalog.ScalarAsync(session, "SELECT count(*) FROM pg_replication_slots", cancellation))!;
        long senders = (long)(await Catalog.ScalarAsync(session, "SELECT count(*) FROM pg_stat_replication", cancellation))!;
        bool hasOwn = await ReplicationSlots.FindAsync(session, sessions.Project.Settings.Slot.Name, cancellation) is not null;
        Add(hasOwn || slots < long.Parse(settings["max_replication_slots"]), "max_replication_slots",
            $"{slots} of {settings["max_replication_slots"]} replication slots are in use", "Drop unused ones, or raise max_replication_slots (restart).");
        Add(senders < long.Parse(settings["max_wal_senders"]), "max_wal_senders", $"{senders} of {settings["max_wal_senders"]} senders are in use",
            "Raise max_wal_senders (restart).");
    }

    private void CheckSettings(Dictionary<string, string> settings)
    {
        bool isShort = PostgresDuration.Parse(settings["wal_sender_timeout"]) is { } timeout && timeout > TimeSpan.Zero && timeout < TimeSpan.FromSeconds(10);
        Warn(!isShort, "wal_sender_timeout", $"wal_sender_timeout is {settings["wal_sender_timeout"]}", "Below 10 s a short pause ends the stream.");
        string keep = settings["max_slot_wal_keep_size"];
        Warn(keep != "-1", "max_slot_wal_keep_size", keep == "-1" ? "max_slot_wal_keep_size is not set" : $"max_slot_wal_keep_size is {keep}",
            "A slot that nobody reads may fill the disk; a limit may lose the slot instead.");
        findings.Add(new Finding('✓', "logical_decoding_work_mem", $"logical_decoding_work_mem is {settings["logical_decoding_work_mem"]}"));
        Warn(settings["synchronous_commit"] is "on" or "local", "synchronous_commit", $"synchronous_commit is {settings["synchronous_commit"]}",
            "off: changes reach the stream later, and a crash may take some back before they do.");
        if (settings.TryGetValue("idle_replication_slot_timeout", out string? idle))
        {
            Warn(PostgresDuration.Parse(idle) == TimeSpan.Zero, "idle_replication_slot_timeout", $"idle_replication_slot_timeout is {idle}",
                "A pipeline that stands still for longer loses its slot.");
        }
    }

    private async Task CheckRoleAsync(CancellationToken cancellation)
    {
        string user = SqlText.Identifier(sessions.Replication.Address.User);
        var role = (await Catalog.ListAsync(
            session,
            """
            SELECT rolreplication OR rolsuper OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN ('rds_replication', 'cloudsqlreplica', 'azure_pg_admin')
                AND pg_has_role(r.oid, g.oid, 'USAGE')), coalesce(array_to_string(rolconfig, ', '), '') FROM pg_roles r WHERE rolname = current_user
            """,
            reader => (MayReplicate: reader.GetBoolean(0), Config: reader.GetString(1)), cancellation))[0];
        Add(role.MayReplicate, "privilege_replication", role.MayReplicate ? "the role may replicate" : $"role {user} lacks REPLICATION",
            $"ALTER ROLE {user} REPLICATION; (RDS: GRANT rds_replication TO {user};)");
        bool hasTimeouts = role.Config.Contains("_timeout", StringComparison.Ordinal);
        Warn(!hasTimeouts, "role_settings", hasTimeouts ? $"the role has settings of its own: {role.Config}" : "no timeouts are set for the role",
            "Sessions of the pipeline set their own; nothing needs to be done unless a pooler refuses start-up options.");
    }

    private async Task CheckTransactionsAsync(CancellationToken cancellation)
    {
        string? oldest = await ReplicationSlots.OldestTransactionAsync(session, TimeSpan.FromMinutes(1), 0, cancellation);
        Warn(oldest is null, "transactions", oldest is null ? "no transaction is older than a minute" : $"an old transaction is open: {oldest}",
            "It delays the creation of a slot, and the start of a snapshot: end it.");
    }

    private void Add(bool isGood, string check, string text, string remedy) =>
        findings.Add(new Finding(isGood ? '✓' : '✗', check, text, isGood ? null : remedy));

    private void Warn(bool isGood, string check, string text, string remedy) =>
        findings.Add(new Finding(isGood ? '✓' : '!', check, text, isGood ? null : remedy));
}

/// <summary>Checks of the slot, the publication, and the tables that mappings read.</summary>
internal sealed class DoctorPipeline(ProjectSessions sessions, NpgsqlConnection session)
{
    private const long LargeBytes = 1L << 30;
    private readonly List<Finding> findings = [];

    public async Task<IReadOnlyList<Finding>> CheckAsync(CancellationToken cancellation)
    {
        await CheckSlotsAsync(cancellation);
        var live = sessions.Project.Folder is null ? [] : sessions.Project.ReadHistory().Live;
        await CheckPublicationAsync(live, cancellation);
        foreach (var mapping in live)
        {
            await CheckMappingAsync(mapping, cancellation);
        }

        return findings;
    }

    private async Task CheckSlotsAsync(CancellationToken cancellation)
    {
        var settings = sessions.Project.Settings.Slot;
        foreach (var slot in await ReplicationSlots.ListAsync(session, cancellation))
        {
            if (slot.Name == settings.Name)
            {
                CheckOwnSlot(slot);
            }
            else if (slot.Type == "logical" && slot.ActiveProcess is null && !slot.IsTemporary)
            {
                findings.Add(new Finding(
                    '!', "other_slot", $"slot {slot.Name} is read by nobody and keeps {slot.RetainedBytes:N0} bytes of log",
                    $"SELECT pg_drop_replication_slot('{slot.Name}'); if it is not needed any more."));
            }
        }

        if (findings.All(finding => finding.Check != "slot"))
        {
            findings.Add(new Finding('✓', "slot", $"slot {settings.Name} does not exist yet; `run` creates it"));
        }
    }

    private void CheckOwnSlot(SlotFacts slot)
    {
        try
        {
            ReplicationSlots.Check(slot, sessions.Source.Address.Database);
        }
        catch (SyncException mismatch)
        {
            findings.Add(new Finding('✗', "slot", mismatch.Message, mismatch.Remedy));
            return;
        }

        string text = $"slot {slot.Name}: {(slot.ActiveProcess is null ? "not read" : "being read")}, {slot.Status.ToString().ToLowerInvariant()}, "
            + $"keeps {slot.RetainedBytes:N0} bytes";
        findings.Add(slot.Status == WalStatus.Lost
            ? new Finding('✗', "slot", text, "Its log is gone: `puff sync snapshot start --all`, or slot.on_lost = \"resnapshot\".")
            : new Finding(slot.Status == WalStatus.Unreserved || slot.RetainedBytes > LargeBytes ? '!' : '✓', "slot", text));
    }

    private async Task CheckPublicationAsync(IReadOnlyList<LiveMapping> live, CancellationToken cancellation)
    {
        string name = sessions.Project.Settings.Slot.Publication;
        var publication = await Publication.ReadAsync(session, name, cancellation);
        if (publication is null)
        {
            findings.Add(new Finding('✓', "publication", $"publication {name} does not exist yet; `apply` creates it"));
            return;
        }

        if (!publication.HasAllOperations || !publication.IsViaRoot)
        {
            findings.Add(new Finding(
                '✗', "publication", $"publication {name} leaves out operations, or publishes partitions by themselves", "`puff sync apply` mends it."));
        }

        var wanted = live.Select(one => (one.Definition.Source.Schema, one.Definition.Source.Table)).ToHashSet();
        string[] missing = publication.IsForAllTables
            ? []
            : [.. wanted.Where(one => publication.Tables.All(table => (table.Schema, table.Table) != one)).Select(one => $"{one.Schema}.{one.Table}")];
        string[] more = [.. publication.Tables.Where(table => !wanted.Contains((table.Schema, table.Table))).Select(table => $"{table.Schema}.{table.Table}")];
        findings.Add(missing.Length > 0
            ? new Finding('✗', "publication", $"publication {name} lacks {string.Join(", ", missing)}", "`puff sync apply` adds them.")
            : more.Length > 0
                ? new Finding('!', "publication", $"publication {name} has tables nobody reads: {string.Join(", ", more)}", "`puff sync apply` drops them.")
                : new Finding('✓', "publication", $"publication {name} has what the mappings read"));
    }

    private async Task CheckMappingAsync(LiveMapping mapping, CancellationToken cancellation)
    {
        var preflight = new Preflight(sessions.Source, session, allowRowSecurity: sessions.Project.Settings.Source.AllowRowSecurity);
        try
        {
            var result = await preflight.CheckAsync(mapping.Definition, sample: false, cancellation);
            findings.Add(new Finding('✓', "mapping", $"{mapping.Name}: {result.Table.Name}, about {Math.Max(0, result.Table.Rows):N0} rows"));
            findings.AddRange(result.Notes.Select(note => new Finding('!', "mapping", $"{mapping.Name}: {note}")));
            if (!result.Table.IsOwner)
            {
                findings.Add(new Finding(
                    '!', "privilege_publication", $"{result.Table.Name} belongs to {result.Table.Owner}: only its owner can publish it",
                    "`puff sync apply --print-sql` prints what the owner has to run."));
            }

            if (result.Table.Leaves.Any(leaf => leaf.HasOtherOrder))
            {
                findings.Add(new Finding('!', "mapping", $"{result.Table.Name}: partitions have their columns in another order", null));
            }
        }
        catch (SyncException wrong)
        {
            findings.Add(new Finding('✗', wrong.Code, $"{mapping.Name}: {wrong.Message}", wrong.Remedy));
        }
    }
}
