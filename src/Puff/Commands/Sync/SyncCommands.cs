using System.CommandLine;
using Puff.Output;

namespace Puff.Commands.Sync;

/// <summary>`puff sync`: every verb, by the group it belongs to.</summary>
internal static class SyncCommands
{
    public static Command Create(Terminal terminal)
    {
        var sync = new Command("sync", "Mirror Postgres tables into namespaces.");
        foreach (Option option in SyncCommand.GlobalOptions)
        {
            sync.Options.Add(option);
        }

        foreach (Command verb in (IEnumerable<Command>)
            [.. ProjectCommands.All(terminal), .. TransformCommands.All(terminal), .. DatabaseCommands.All(terminal), .. RunCommands.All(terminal)])
        {
            sync.Subcommands.Add(verb);
        }

        return sync;
    }
}
