using Puff.Configuration;
using Puff.Engine.Storage;
using Puff.Hosting;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>Flags win, then the environment, then the file, then the default; and each value knows where it came from.</summary>
public class SettingValuesTests
{
    private static readonly ConfigurationEntry[] File = [new("listen", ["file:1"], 3), new("api_key", ["k1", "k2"], 4)];

    [Fact]
    public void A_flag_wins_over_everything() => AssertListen("flag:1", "flag --listen", flag: "flag:1", variable: "env:1", File);

    [Fact]
    public void The_environment_wins_over_the_file() => AssertListen("env:1", "environment PUFF_LISTEN", flag: null, variable: "env:1", File);

    [Fact]
    public void The_file_wins_over_the_default() => AssertListen("file:1", "puff.toml:3", flag: null, variable: "", File);

    [Fact]
    public void The_default_is_left() => AssertListen("127.0.0.1:8080", "default", flag: null, variable: null, []);

    [Fact]
    public void Lists_come_from_repeated_flags_commas_or_arrays()
    {
        Assert.Equal(["k1", "k2"], Resolve(null, null, File).GetAll(Settings.ApiKey));
        Assert.Equal(["a", "b"], SettingValues.Resolve(_ => [], name => name == "PUFF_API_KEY" ? "a, b" : null, [], "puff.toml").GetAll(Settings.ApiKey));
    }

    [Fact]
    public void Secrets_are_never_shown()
    {
        SettingValue key = Resolve(null, null, File).All.Single(value => value.Setting == Settings.ApiKey);
        Assert.Equal("(hidden), (hidden)", key.Display);
    }

    [Fact]
    public void Unknown_keys_unknown_choices_and_lists_for_single_values_are_refused_with_their_place()
    {
        Assert.StartsWith("puff.toml:7: unknown setting 'lisen'", Message([new("lisen", ["x"], 7)]), StringComparison.Ordinal);
        Assert.Equal("puff.toml:2: 'boss' is not one of all, query, index", Message([new("role", ["boss"], 2)]));
        Assert.Equal("puff.toml:2: store takes one value", Message([new("store", ["a", "b"], 2)]));
    }

    [Fact]
    public void Limits_of_reading_are_the_engine_s_unless_somebody_says_otherwise()
    {
        var engine = new ExtentStoreOptions();
        Assert.Equal(engine, StoreOpener.ReadingOf(Resolve(null, null, [])) with { Folder = engine.Folder });
        ConfigurationEntry[] file =
        [
            new("store_requests", ["7"], 1), new("step_requests", ["3"], 2), new("merge_gap", ["0kB"], 3), new("request_bytes", ["2MiB"], 4),
            new("hedged_share", ["0"], 5), new("cache_memory", ["64MB"], 6),
        ];
        var changed = engine with
        {
            MaxRequests = 7, MaxRequestsPerStep = 3, MergeGapBytes = 0, RequestBytes = 2 << 20, HedgedShare = 0, MemoryBytes = 64_000_000,
        };
        Assert.Equal(changed, StoreOpener.ReadingOf(Resolve(null, null, file)) with { Folder = engine.Folder });
        Assert.Contains("no share", Message([new("hedged_share", ["1.5"], 1)]), StringComparison.Ordinal);
        Assert.Contains("from 64KiB", Message([new("request_bytes", ["1kB"], 1)]), StringComparison.Ordinal);
    }

    private static string Message(ConfigurationEntry[] file) => Assert.Throws<ConfigurationException>(() => Resolve(null, null, file)).Message;

    private static SettingValues Resolve(string? flag, string? variable, ConfigurationEntry[] file) => SettingValues.Resolve(
        setting => setting == Settings.Listen && flag != null ? [flag] : [], name => name == "PUFF_LISTEN" ? variable : null, file, "puff.toml");

    private static void AssertListen(string expected, string source, string? flag, string? variable, ConfigurationEntry[] file)
    {
        SettingValues values = Resolve(flag, variable, file);
        Assert.Equal(expected, values.Get(Settings.Listen));
        Assert.Equal(source, values.All.Single(value => value.Setting == Settings.Listen).Source);
    }
}
