using System.CommandLine;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Engine.Storage;
using Puff.Hosting;
using Puff.Output;

namespace Puff.Commands;

/// <summary>`puff doctor`: tries out whether a store keeps the promises Puff builds on, and says which one it breaks.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal) =>
        new PuffCommand("doctor", "Check whether a store keeps its promises.", [Settings.Store, Settings.CacheDirectory, Settings.Output], terminal, RunAsync);

    private static async Task<ExitCode> RunAsync(CommandContext context)
    {
        await using IObjectStore store = await StoreOpener.OpenAsync(context.Settings, context.Settings.Get(Settings.Store), context.Cancellation);
        StoreSelfTestReport report = await StoreOpener.TestAsync(store, context.Cancellation);
        context.Results().WriteRows([.. report.Checks.Select(check => ResultWriter.ToElement(new JsonObject
        {
            ["check"] = check.Name, ["verdict"] = check.Verdict.ToString().ToLowerInvariant(), ["detail"] = check.Detail,
        }))]);
        context.Terminal.Say(report.Passed
            ? $"{store.Description} keeps every promise that was checked"
            : $"{store.Description} did not pass: Puff refuses to serve on it");
        return report.Passed ? ExitCode.Done : Verdict(report);
    }

    // A store that could not be asked may answer later; one that broke a promise will break it again.
    private static ExitCode Verdict(StoreSelfTestReport report) =>
        report.Checks.Any(check => check.Verdict == StoreVerdict.Failed) ? ExitCode.Failed : ExitCode.Temporary;
}
