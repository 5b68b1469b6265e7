using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Hosting;
using Puff.Output;

namespace Puff.Commands;

/// <summary>`puff doctor`: tries out whether a store keeps the promises Puff builds on, and says which one it breaks.</summary>
internal static class DoctorCommand
{
    private static readonly Option<int> Requests = new("--requests")
    {
        Description = "Requests of each kind to measure; 0 for none.", HelpName = "N", DefaultValueFactory = _ => 50,
    };

    public static Command Create(Terminal terminal) =>
        new PuffCommand(
            "doctor", "Check whether a store keeps its promises, and measure it.",
            [Settings.Store, Settings.CacheDirectory, Settings.Output], terminal, RunAsync)
        {
            Requests,
        };

    private static async Task<ExitCode> RunAsync(CommandContext context)
    {
        await using IObjectStore store = await StoreOpener.OpenAsync(context.Settings, context.Settings.Get(Settings.Store), context.Cancellation);
        StoreSelfTestReport report = await StoreOpener.TestAsync(store, context.Cancellation);
        var rows = report.Checks.Select(check => Row(check.Name, check.Verdict.ToString().ToLowerInvariant(), check.Detail)).ToList();
        ExitCode code = report.Passed ? ExitCode.Done : Verdict(report);
        if (report.Passed)
        {
            code = await LookAtMarkerAsync(store, rows, context.Cancellation);
            rows.AddRange(await MeasureAsync(store, context));
        }

        context.Results().WriteRows([.. rows.Select(row => ResultWriter.ToElement(row))]);
        context.Terminal.Say(code == ExitCode.Done
            ? $"{store.Description} keeps every promise that was checked"
            : $"{store.Description} did not pass: Puff refuses to serve on it");
        return code;
    }

    /// <summary>Whether what lies there is Puff's. Looks, and puts nothing.</summary>
    private static async Task<ExitCode> LookAtMarkerAsync(IObjectStore store, List<JsonObject> rows, CancellationToken cancellation)
    {
        try
        {
            bool isMarked = await StoreMarker.ExamineAsync(store, new EngineSettings().Root, cancellation);
            rows.Add(Row("content", "passed", isMarked ? "" : "no store yet"));
            return ExitCode.Done;
        }
        catch (PuffException error) when (error.Kind is ErrorKind.Invalid or ErrorKind.Corrupt)
        {
            rows.Add(Row("content", "failed", error.Message));
            return ExitCodes.Of(error.Kind);
        }
    }

    private static async Task<IEnumerable<JsonObject>> MeasureAsync(IObjectStore store, CommandContext context)
    {
        int requests = context.Get(Requests);
        if (requests <= 0)
        {
            return [];
        }

        var measured = await StoreLatencyTest.RunAsync(
            store, new EngineSettings().Root, requests, TimeProvider.System, Random.Shared, context.Cancellation);
        return measured.Select(item => Row(
            item.Name, "measured", $"p50 {Text(item.P50)}, p90 {Text(item.P90)}, p99 {Text(item.P99)}, longest {Text(item.Longest)} of {item.Requests}"));
    }

    private static JsonObject Row(string check, string verdict, string detail) => new() { ["check"] = check, ["verdict"] = verdict, ["detail"] = detail };

    private static string Text(TimeSpan time) =>
        time.TotalMilliseconds.ToString(time.TotalMilliseconds < 10 ? "F2" : "F0", CultureInfo.InvariantCulture) + " ms";

    // A store that could not be asked may answer later; one that broke a promise will break it again.
    private static ExitCode Verdict(StoreSelfTestReport report) =>
        report.Checks.Any(check => check.Verdict is StoreVerdict.Failed or StoreVerdict.Refused) ? ExitCode.Failed : ExitCode.Temporary;
}
