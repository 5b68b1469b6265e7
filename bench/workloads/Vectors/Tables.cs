using System.Globalization;
using System.Text;

namespace Puff.Workloads.Vectors;

/// <summary>Markdown tables for the reader of a terminal or a report.</summary>
internal sealed class Tables(TextWriter output)
{
    private static readonly double[] Targets = [0.90, 0.95, 0.97, 0.99];

    /// <summary>Every setting of one system.</summary>
    public void PrintPoints(SystemResult result)
    {
        output.WriteLine($"{result.System}: {result.Description}");
        output.WriteLine($"{result.Documents} documents; built in {Text(result.BuildSeconds, "0.0")} s on {result.BuildThreads} threads "
            + $"({Text(result.BuildProcessorSeconds, "0.0")} s of processor time); "
            + $"{Bytes(result.DiskBytes)} on disk, {result.DiskBytes / Math.Max(1, result.Documents)} bytes a document");
        Row("setting", "filter", "recall@10", "queries/s", "p50 ms", "p99 ms", "scanned", "resident", "anonymous", "files", "managed");
        Rule(11);
        foreach (var p in result.Points)
        {
            Row(
                p.Setting, p.Filter, Text(p.Recall, "0.0000"), Text(p.QueriesPerSecond, "0.#"), Text(p.P50, "0.000"), Text(p.P99, "0.000"),
                p.Scanned is { } share ? Text(share * 100, "0.00") + " %" : "", Bytes(p.ResidentBytes), Bytes(p.AnonymousBytes),
                Bytes(p.ResidentBytes - p.AnonymousBytes),
                p.ManagedBytes is { } managed ? Bytes(managed) : "");
        }

        output.WriteLine();
    }

    /// <summary>All systems at equal recall, without filter; ratios are Puff's figure against theirs, above one when Puff is better.</summary>
    public void PrintComparison(IReadOnlyList<SystemResult> results)
    {
        var puff = results.FirstOrDefault(r => r.System == "puff");
        foreach (double target in Targets)
        {
            output.WriteLine($"recall@10 = {Text(target, "0.00")}");
            Row(
                "system", "queries/s", "p50 ms", "p99 ms", "from setting", "resident", "build s", "build cpu s", "disk",
                "speed ratio", "memory ratio", "build ratio");
            Rule(12);
            var ours = puff is null ? null : CurveOf(puff).At(target);
            foreach (var result in results)
            {
                PrintAt(result, CurveOf(result).At(target), puff, ours);
            }

            output.WriteLine();
        }
    }

    private void PrintAt(SystemResult result, RecallPoint? point, SystemResult? puff, RecallPoint? ours)
    {
        if (point is null)
        {
            Row(result.System, "not reached", "", "", "", "", "", "", "", "", "", "");
            return;
        }

        bool isCompared = ours is not null && result.System != "puff";
        Row(
            result.System, Text(point.QueriesPerSecond, "0.#"), Text(point.P50, "0.000"), Text(point.P99, "0.000"), point.Setting, Bytes(point.ResidentBytes),
            Text(result.BuildSeconds, "0.0"), Text(result.BuildProcessorSeconds, "0.0"), Bytes(result.DiskBytes),
            isCompared ? Text(ours!.QueriesPerSecond / point.QueriesPerSecond, "0.0") : "",
            isCompared ? Text((double)point.ResidentBytes / ours!.ResidentBytes, "0.0") : "",
            isCompared ? Text(result.BuildSeconds / puff!.BuildSeconds, "0.0") : "");
    }

    private static RecallCurve CurveOf(SystemResult result) => new(result.Points.Where(p => p.Filter == "all"));

    private void Rule(int columns) => output.WriteLine("|" + string.Concat(Enumerable.Repeat("---|", columns)));

    private void Row(params ReadOnlySpan<string> cells)
    {
        var line = new StringBuilder("|");
        foreach (string cell in cells)
        {
            line.Append(' ').Append(cell).Append(" |");
        }

        output.WriteLine(line);
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Bytes(long bytes) => Text(bytes / (double)(1 << 20), "0") + " MiB";
}
