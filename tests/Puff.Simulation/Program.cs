using System.Globalization;
using Puff.TestKit.Simulation;

// The long run of the deterministic simulation: dotnet run -c Release --project tests/Puff.Simulation -- --seeds 10000 [--from N] [--jobs N] | --seed S --trace
int from = Number("--from") ?? 1;
int count = Number("--seeds") ?? 200;
int jobs = Number("--jobs") ?? 1;
if (Number("--seed") is { } only)
{
    var report = Simulation.Run(only, trace: args.Contains("--trace") ? Console.Out : null);
    Console.WriteLine(report);
    Tell(report);
    return report.Violations.Count == 0 ? 0 : 1;
}

int finished = 0, failed = 0;
long operations = 0, acknowledged = 0, calls = 0, stray = 0, found = 0, wanted = 0, grouped = 0, grown = 0;
object gate = new();
Parallel.For(from, from + count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, seed =>
{
    var report = Simulation.Run(seed);
    lock (gate)
    {
        finished++;
        operations += report.Operations;
        acknowledged += report.Acknowledged;
        calls += report.StoreCalls;
        stray += report.StrayEntries;
        found += report.NearestFound;
        wanted += report.NearestWanted;
        grouped += report.GroupedSegments;
        grown += report.GrownTrees;
        if (report.Violations.Count > 0)
        {
            failed++;
            Tell(report);
        }

        if (finished % 500 == 0)
        {
            Console.Error.WriteLine($"{finished} of {count} seeds, {failed} with violations");
        }
    }
});
Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{finished} seeds from {from}: {failed} with violations; {operations} operations, {acknowledged} acknowledged, {calls} store calls, ")
    + $"{stray} stray log entries; segments grouped by a tree {grouped}, trees that grew {grown}, nearest documents found by codes {found} of {wanted}");
return failed == 0 ? 0 : 1;

void Tell(SimulationReport report)
{
    foreach (string violation in report.Violations.Take(4))
    {
        Console.WriteLine($"seed {report.Seed}: {violation}");
    }
}

int? Number(string option)
{
    int index = Array.IndexOf(args, option);
    return index < 0 ? null : int.Parse(args[index + 1], CultureInfo.InvariantCulture);
}
