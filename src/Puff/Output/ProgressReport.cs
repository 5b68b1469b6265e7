using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Puff.Output;

/// <summary>Shows how far a transfer is: a bar when standard error is a terminal, else nothing but the final line.</summary>
internal static class ProgressReport
{
    /// <param name="terminal">Where to show it.</param>
    /// <param name="title">"importing docs".</param>
    /// <param name="work">Is handed a callback for the fraction done (null when the total is unknown) and the rows so far; returns the rows in the end.</param>
    public static Task<long> RunAsync(Terminal terminal, string title, Func<Action<double?, long>, Task<long>> work) =>
        RunAsync(terminal, title, "rows", work);

    /// <param name="unit">What is counted.</param>
    public static async Task<long> RunAsync(Terminal terminal, string title, string unit, Func<Action<double?, long>, Task<long>> work)
    {
        var clock = Stopwatch.StartNew();
        long rows = terminal.MessagesAreSeen ? await WithBarAsync(terminal, title, unit, work) : await work((_, _) => { });
        double seconds = Math.Max(clock.Elapsed.TotalSeconds, 1e-3);
        terminal.Say($"{title}: {Count(rows)} {unit} in {seconds.ToString("F1", CultureInfo.InvariantCulture)} s ({Count((long)(rows / seconds))} {unit}/s)");
        return rows;
    }

    public static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static async Task<long> WithBarAsync(Terminal terminal, string title, string unit, Func<Action<double?, long>, Task<long>> work)
    {
        long rows = 0;
        var progress = terminal.Progress().Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn());
        await progress.StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
            task.IsIndeterminate = true;
            rows = await work((fraction, done) =>
            {
                task.Description = $"{Markup.Escape(title)} ({Count(done)} {unit})";
                task.IsIndeterminate = fraction == null;
                task.Value = fraction ?? 0;
            });
        });
        return rows;
    }
}
