using System.CommandLine;
using Puff.Configuration;
using Puff.Output;

namespace Puff.Commands;

/// <summary>A verb: resolves the settings it knows, runs, and turns every outcome into an exit code.</summary>
internal sealed class PuffCommand : Command
{
    /// <summary>On every verb: another settings file than ./puff.toml.</summary>
    public static readonly Option<string> ConfigurationFile = new("--config")
    {
        Description = "Settings file. [default: ./puff.toml if it exists] (PUFF_CONFIG)", HelpName = "FILE", Recursive = true,
    };

    private readonly Dictionary<string, Option<string[]>> settingOptions = [];

    public PuffCommand(string name, string description, IEnumerable<Setting> settings, Terminal terminal, Func<CommandContext, Task<ExitCode>> run)
        : base(name, description)
    {
        foreach (Setting setting in settings)
        {
            Option<string[]> option = OptionOf(setting);
            settingOptions.Add(setting.Key, option);
            Options.Add(option);
        }

        SetAction((arguments, cancellation) => RunAsync(arguments, terminal, run, cancellation));
    }

    public static IReadOnlyList<Setting> ClientSettings { get; } = [Settings.Url, Settings.ApiKey, Settings.Output];

    /// <summary>Settings by this verb's flags, the environment and the file; in this order.</summary>
    public SettingValues Resolve(ParseResult arguments)
    {
        string? chosen = arguments.GetValue(ConfigurationFile) ?? Environment.GetEnvironmentVariable("PUFF_CONFIG");
        string path = chosen ?? "puff.toml";
        IReadOnlyList<ConfigurationEntry> file = [];
        if (chosen != null || File.Exists(path))
        {
            file = new TomlConfiguration().Read(ReadFile(path), path);
        }

        return SettingValues.Resolve(
            setting => settingOptions.TryGetValue(setting.Key, out var option) ? arguments.GetValue(option) ?? [] : [],
            Environment.GetEnvironmentVariable,
            file,
            path);
    }

    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"cannot read settings file {path}: {error.Message}");
        }
    }

    private static Option<string[]> OptionOf(Setting setting)
    {
        string choices = setting.Choices.Count > 0 ? $" One of {string.Join(", ", setting.Choices)}." : "";
        string usual = setting.Default == null ? "" : $" [default: {setting.Default}]";
        var option = new Option<string[]>(setting.Flag)
        {
            Description = $"{setting.Description}{choices}{usual} ({setting.Variable})",
            HelpName = setting.Key.ToUpperInvariant(),
            // One value each time; whether it may come several times is checked with the other sources of settings.
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        if (setting.Choices.Count > 0)
        {
            option.CompletionSources.Add([.. setting.Choices]);
        }

        return option;
    }

    private async Task<int> RunAsync(ParseResult arguments, Terminal terminal, Func<CommandContext, Task<ExitCode>> run, CancellationToken cancellation)
    {
        try
        {
            var context = new CommandContext(arguments, Resolve(arguments), terminal, cancellation);
            return (int)await run(context);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Say("interrupted");
            return (int)ExitCode.Interrupted;
        }
        catch (Exception error)
        {
            terminal.Say($"puff {Name}: {error.Message}");
            return (int)ExitCodes.Of(error);
        }
        finally
        {
            terminal.Results.Flush();
        }
    }
}
