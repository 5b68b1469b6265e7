using System.CommandLine;
using Puff.Configuration;
using Puff.Hosting;
using Puff.Output;

namespace Puff.Commands;

/// <summary>`puff serve`: a node until somebody sends SIGINT or SIGTERM.</summary>
internal static class ServeCommand
{
    public static IReadOnlyList<Setting> ServerSettings { get; } =
    [
        Settings.Listen, Settings.Store, Settings.CacheDirectory, Settings.CacheBytes, Settings.CacheMemory, Settings.StoreRequests,
        Settings.StepRequests, Settings.MergeGap, Settings.RequestBytes, Settings.HedgedShare, Settings.Role, Settings.ApiKey, Settings.CorruptEntries,
        Settings.IndexDelay, Settings.IndexEntries, Settings.IndexPoll, Settings.LeaseTime, Settings.MergeFanIn, Settings.Grace, Settings.History,
        Settings.DrainTimeout, Settings.DrainDelay, Settings.LogLevel, Settings.DebugEndpoints,
    ];

    public static Command Create(Terminal terminal) => new PuffCommand("serve", "Serve the API on a store.", ServerSettings, terminal, RunAsync);

    private static async Task<ExitCode> RunAsync(CommandContext context)
    {
        SettingValues settings = context.Settings;
        await using Node node = await Node.StartAsync(settings, settings.Get(Settings.Store), settings.Get(Settings.Listen), context.Cancellation);
        Announce(context.Terminal, node, settings.GetAll(Settings.ApiKey).Count);
        return await UntilStoppedAsync(context, node);
    }

    /// <summary>Waits until the process is asked to stop, and stops the node: requests in flight end, waiting writes are written.</summary>
    public static async Task<ExitCode> UntilStoppedAsync(CommandContext context, Node node)
    {
        await Task.Delay(Timeout.Infinite, context.Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Terminal.Say("stopping: requests in flight are finished first; a second signal stops at once");
        if (await node.StopAsync())
        {
            return ExitCode.Done;
        }

        context.Terminal.Say($"not everything was finished within {context.Settings.Get(Settings.DrainTimeout)} ({Settings.DrainTimeout.Flag})");
        return ExitCode.Failed;
    }

    /// <summary>An honest banner: where it listens, where the data is, who may come in, and a line to try.</summary>
    public static void Announce(Terminal terminal, Node node, int keys)
    {
        string access = keys switch
        {
            0 => "no key is set: everybody on this machine may read and write (any bearer token is accepted)",
            1 => "one API key",
            _ => $"{keys} API keys",
        };
        string token = keys == 0 ? "any" : "$PUFF_API_KEY";
        terminal.Say($"puff {LocalCommands.Version} is listening on {node.Url}");
        terminal.Say($"  store   {node.Store}{(node.KeepsNothing ? " (nothing is kept when the process ends)" : "")}");
        terminal.Say($"  access  {access}");
        terminal.Say($"  try     curl -s {node.Url}/v1/namespaces -H 'Authorization: Bearer {token}'");
        terminal.Say("  stop    Ctrl+C");
    }
}
