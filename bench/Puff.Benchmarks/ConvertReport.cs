using System.Globalization;
using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: turning rows into documents is a small part of a sync. Method: batches of inserts of eight columns, as the stream's decoder leaves them, through the
/// table of cases and conversion (into one action each), then merging too, then to a destination's batch; one thread, the best of seven rounds of 25,600 rows.
/// </summary>
internal static class ConvertReport
{
    private const int BatchRows = 256;
    private const int Batches = 100;

    private static readonly (string Name, uint Oid, string Type)[] Columns =
    [
        ("id", 20, "int8"), ("title", 25, "text"), ("body", 25, "text"), ("views", 23, "int4"), ("score", 701, "float8"), ("live", 16, "bool"),
        ("author", 2950, "uuid"), ("created_at", 1184, "timestamptz"),
    ];

    public static void Run()
    {
        var table = new TableShape("public", "posts", [.. Columns.Select(c => new TableColumn(c.Name, new TypeShape(c.Oid, c.Type)))], ["id"]);
        var shape = new RelationShape(
            1, "public", "posts", ReplicaIdentity.Default, [.. Columns.Select(c => new ColumnShape(c.Name, c.Oid, -1, c.Name == "id"))]);
        var mapping = new MappingDefinition { Name = "posts", Source = new SourceDefinition("posts"), Target = new TargetDefinition("posts") };
        var cases = new ChangeCases(new DocumentPlan(mapping, table).Bind(shape));
        var batches = Enumerable.Range(0, Batches).Select(b => MakeBatch(shape, b * BatchRows)).ToArray();
        Report("row to action", () => Convert(batches, cases, null));
        Report("row to action, merged, to a batch", () => Convert(batches, cases, new ActionMerger()));
    }

    private static void Report(string name, Action action)
    {
        Measure.WarmUp(action);
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        long bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (Batches * BatchRows);
        double seconds = Measure.Seconds(action);
        string rows = (Batches * BatchRows / seconds).ToString("N0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{name}: {rows} rows/s, {seconds / (Batches * BatchRows) * 1e6:0.00} µs and {bytes} bytes a row");
    }

    private static void Convert(ChangeBatch[] batches, ChangeCases cases, ActionMerger? merger)
    {
        foreach (var batch in batches)
        {
            for (int i = 0; i < batch.Count; i++)
            {
                var outcome = cases.Decide(batch[i]);
                merger?.Add(outcome.Action!);
            }

            if (merger is not null && new DestinationBatch("posts").With(merger.Take()).Upserts.Count != BatchRows)
            {
                throw new InvalidOperationException("rows were lost");
            }
        }
    }

    private static ChangeBatch MakeBatch(RelationShape shape, int first)
    {
        var batch = new ChangeBatch();
        for (int row = first; row < first + BatchRows; row++)
        {
            batch.Add(ChangeKind.Insert, shape, 7, new SyncPosition(new Lsn((ulong)row), 1), 0);
            foreach (string value in (string[])
                [
                    $"{row}", $"title of row {row}", new string('x', 120), $"{row * 7}", $"{row / 8.0}", "t", $"a0eebc99-9c0b-4ef8-bb6d-{row:x12}",
                    "2024-01-02 03:04:05.123456+00",
                ])
            {
                batch.AddNew(ColumnState.Text, Encoding.UTF8.GetBytes(value));
            }
        }

        return batch;
    }
}
