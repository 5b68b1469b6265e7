using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Output;

namespace Puff.Commands;

/// <summary>The verbs that need neither server nor store: config show, completion, version.</summary>
internal static class LocalCommands
{
    public static string Version { get; } =
        typeof(LocalCommands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Config(Terminal terminal)
    {
        var show = new PuffCommand("show", "Show every setting in force and where it came from.", Settings.All, terminal, context =>
        {
            JsonElement[] rows =
            [
                .. context.Settings.All.Select(value => ResultWriter.ToElement(new JsonObject
                {
                    ["setting"] = value.Setting.Key, ["value"] = value.Display, ["source"] = value.Source,
                })),
            ];
            context.Results().WriteRows(rows);
            return Task.FromResult(ExitCode.Done);
        });
        var command = new Command("config", "Look at the settings.") { show };
        return command;
    }

    public static Command VersionOf(Terminal terminal) =>
        new PuffCommand("version", "Print the version.", [Settings.Output], terminal, context =>
        {
            ResultWriter results = context.Results();
            if (results.Format == OutputFormat.Table)
            {
                context.Terminal.Results.WriteLine($"puff {Version} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier})");
            }
            else
            {
                results.WriteObject(ResultWriter.ToElement(new JsonObject
                {
                    ["version"] = Version, ["runtime"] = RuntimeInformation.FrameworkDescription, ["platform"] = RuntimeInformation.RuntimeIdentifier,
                }));
            }

            return Task.FromResult(ExitCode.Done);
        });

    public static Command Completion(Terminal terminal)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new PuffCommand("completion", "Print a completion script; load it with: source <(puff completion bash)", [], terminal, context =>
        {
            context.Terminal.Results.Write(Script(context.Get(shell)));
            return Task.FromResult(ExitCode.Done);
        });
        command.Add(shell);
        return command;
    }

    // All three ask the binary itself: "[suggest:POSITION]" before the line prints what may stand there.
    private static string Script(string shell) => shell switch
    {
        "bash" =>
            """
            _puff() {
              local line=${COMP_LINE#* } point
              point=$((COMP_POINT - ${#COMP_LINE} + ${#line}))
              mapfile -t COMPREPLY < <(compgen -W "$(puff "[suggest:$point]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
            }
            complete -o default -F _puff puff

            """,
        "zsh" =>
            """
            #compdef puff
            _puff() {
              local line="${words[2,-1]}"
              local -a found
              found=("${(@f)$(puff "[suggest:${#line}]" "$line" 2>/dev/null)}")
              compadd -a found || _files
            }
            compdef _puff puff

            """,
        _ =>
            """
            function __puff
              set -l line (commandline -cp | string replace -r '^\S+\s?' '')
              puff "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c puff -a '(__puff)'

            """,
    };
}
