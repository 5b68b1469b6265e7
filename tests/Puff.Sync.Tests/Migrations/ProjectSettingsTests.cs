using Puff.Sync.Migrations;
using Xunit;

namespace Puff.Sync.Tests.Migrations;

/// <summary>sync.toml, variables and files of variables (sections 3 and 4).</summary>
public class ProjectSettingsTests
{
    [Fact]
    public void Defaults_are_those_of_the_reference()
    {
        using var project = new ProjectFolderFixture();
        ProjectSettings settings = project.Open().Settings;
        Assert.Equal(("shop", "puff_sync_shop", "puff_sync_shop", "puff_sync"), (settings.PipelineName, settings.Slot.Name, settings.Slot.Publication, settings.State.Schema));
        Assert.Equal((1000, 8L << 20, TimeSpan.FromMilliseconds(200)), (settings.Batch.MaxRows, settings.Batch.MaxBytes, settings.Batch.MaxDelay));
        Assert.Equal((8, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(30)), (settings.Retry.Attempts, settings.Retry.Base, settings.Retry.Max));
        Assert.Equal((10_000, 16L << 20, 4), (settings.Snapshot.PageRows, settings.Snapshot.PageBytes, settings.Snapshot.PagesInFlight));
        Assert.Equal((2L << 30, 20L << 30), (settings.Slot.WarnRetained, settings.Slot.MaxRetained));
        Assert.InRange(settings.MemoryBudget, 64L << 20, 4L << 30);
    }

    [Fact]
    public void Variables_override_every_key()
    {
        using var project = new ProjectFolderFixture();
        project.Variables["PUFF_SYNC_BATCH_MAX_ROWS"] = "7";
        project.Variables["PUFF_SYNC_PIPELINE_NAME"] = "other";
        project.Variables["PUFF_SYNC_DESTINATIONS_DEFAULT_KIND"] = "file";
        project.Variables["PUFF_SYNC_DESTINATIONS_DEFAULT_PATH"] = "${OUT:-out}";
        SyncProject open = project.Open();
        Assert.Equal((7, "other", "puff_sync_other"), (open.Settings.Batch.MaxRows, open.Settings.PipelineName, open.Settings.Slot.Name));
        Assert.Equal((DestinationKind.File, "out"), (open.Settings.Destinations["default"].Kind, open.Settings.Destinations["default"].Path!.Get(open.Environment)));
        project.Variables["PUFF_SYNC_BATCH_MAX_ROWS"] = "none";
        Assert.Equal("PUFF_SYNC_BATCH_MAX_ROWS: `batch.max_rows` must be a whole number from 1", Assert.Throws<SyncException>(project.Open).Message);
    }

    [Theory]
    [InlineData("[slot]\nfailover = \"of\"", "sync.toml:2: `slot.failover` is \"of\"; it must be one of auto, on, off, did you mean `on`?")]
    [InlineData("[batch]\nmax_row = 1", "sync.toml:2: unknown key `batch.max_row`, did you mean `max_rows`?")]
    [InlineData("[batch]\nmax_delay = \"0s\"", "sync.toml:2: `batch.max_delay` must be more than zero")]
    [InlineData("[batch]\nmax_bytes = \"8 bytes\"", "sync.toml:2: `batch.max_bytes` must be a size: a number and KiB, MiB or GiB, as in \"8MiB\"")]
    [InlineData("[heartbeat]\ninterval = 5", "sync.toml:2: `heartbeat.interval` must be a duration: a number and ms, s, m, h or d, as in \"30s\"")]
    [InlineData("[state]\nschema = \"a-b\"", "sync.toml:2: `state.schema` is \"a-b\"; it must be an identifier of at most 63 ASCII letters, digits and _")]
    [InlineData("[destinations.x]\nkind = \"engine\"", "sync.toml:1: `destinations.x.path` is required for kind \"engine\"")]
    [InlineData("format = 2", "sync.toml:1: `format` 2 is newer than this program, which knows 1")]
    [InlineData("[log]\nlevel = \"${LEVEL}\"", "sync.toml:2: `log.level` needs the variable LEVEL, which is not set")]
    public void What_is_wrong_is_named_with_its_line(string text, string message)
    {
        using var project = new ProjectFolderFixture(text);
        SyncException error = Assert.Throws<SyncException>(project.Open);
        Assert.Equal(SyncExit.Usage, error.Exit);
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void Needed_variables_are_listed_together()
    {
        using var project = new ProjectFolderFixture("[destinations.default]\n");
        SyncException error = Assert.Throws<SyncException>(() => project.Open().RequireVariables(needsSource: true, needsDestination: true));
        Assert.Equal("missing_environment", error.Code);
        Assert.StartsWith("Needed but not set: DATABASE_URL, TURBOPUFFER_API_KEY, TURBOPUFFER_BASE_URL (looked in: .env.development.local, .env.local,", error.Message);
        project.Write(".env", "DATABASE_URL=postgres://x\nTURBOPUFFER_API_KEY=k\nTURBOPUFFER_REGION=r\n");
        project.Open().RequireVariables(needsSource: true, needsDestination: true);
    }

    [Fact]
    public void Files_of_variables_win_in_their_order()
    {
        using var project = new ProjectFolderFixture();
        project.Write(".env", "A=1\nB=1\nC=1\nD=1\n").Write(".env.development", "A=2\nB=2\nC=2\n").Write(".env.local", "A=3\nB=3\n").Write(".env.development.local", "A=4\n")
            .Write(".env.test", "A=5\n");
        Assert.Equal("4321", Values(project.Open()));
        project.Variables["A"] = "9";
        Assert.Equal("9321", Values(project.Open()));
        project.Variables.Remove("A");
        project.Variables["PUFF_ENV"] = "test";
        Assert.Equal("5111", Values(project.Open()));
        project.Write("sync.toml", "environment_files = [\"a.env\", \"b.env\"]\n").Write("a.env", "A=6\nB=6\n").Write("b.env", "A=7\n");
        Assert.Equal("76", Values(project.Open()));
        project.Write("sync.toml", "environment_files = [\"none.env\"]\n");
        Assert.Contains("none.env does not exist", Assert.Throws<SyncException>(project.Open).Message);
    }

    [Fact]
    public void Quotes_comments_and_variables_in_files()
    {
        var values = EnvironmentFile.Read(
            "# c\nexport A = plain value # c\nB='$A ${A} # \\n'\nC=\"x\\n\\t\\\"\\\\ ${A}\nsecond\" # c\nD=a#b\nE=\nF=${NONE:-def}${NONE}\nG=${KNOWN}", ".env", name => name == "KNOWN" ? "k" : null);
        Assert.Equal(("plain value", "$A ${A} # \\n", "x\n\t\"\\ plain value\nsecond"), (values["A"], values["B"], values["C"]));
        Assert.Equal(("a#b", "", "def", "k"), (values["D"], values["E"], values["F"], values["G"]));
        Assert.Equal(".env:2: '=' was expected after B", Assert.Throws<SyncException>(() => EnvironmentFile.Read("A=1\nB 2", ".env", _ => null)).Message);
        Assert.Equal(".env:1: the quote is not closed", Assert.Throws<SyncException>(() => EnvironmentFile.Read("A=\"1\n\n", ".env", _ => null)).Message);
    }

    private static string Values(SyncProject project) => string.Concat(new[] { "A", "B", "C", "D" }.Select(project.Environment.Find));
}
