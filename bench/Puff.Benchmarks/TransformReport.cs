using System.Diagnostics;
using System.Globalization;
using System.Text;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: a transform that passes rows through does not hold a pipeline up: ≥ 20,000 rows/s in TypeScript. Method: rows of eight columns and about 240 bytes of
/// text, given to identity code in batches of 256 through the host process, one call at a time and two at a time; beside it the same code in C# in this
/// process. The best of three rounds of 102,400 rows; writing, the pipes, user code, reading, all included.
/// </summary>
internal static class TransformReport
{
    private const int BatchRows = 256;
    private const int Batches = 400;
    private const int Rounds = 3;

    private static readonly (string Name, uint Oid, string Type)[] Columns =
    [
        ("id", 20, "int8"), ("title", 25, "text"), ("body", 25, "text"), ("views", 23, "int4"), ("score", 701, "float8"), ("live", 16, "bool"),
        ("author", 2950, "uuid"), ("created_at", 1184, "timestamptz"),
    ];

    private static readonly RelationShape Relation = new(
        1, "public", "posts", ReplicaIdentity.Default, [.. Columns.Select(c => new ColumnShape(c.Name, c.Oid, -1, c.Name == "id"))]);

    private static readonly MappingDefinition Mapping = new()
    {
        Name = "posts", Source = new SourceDefinition("posts"), Target = new TargetDefinition("posts"), Id = new IdDefinition(Type: IdType.UInt),
        Transform = new TransformDefinition(TransformKind.TypeScript),
    };

    public static async Task RunAsync(string runtime)
    {
        string folder = Directory.CreateTempSubdirectory("puff-transforms-").FullName;
        try
        {
            var batches = MakeBatches();
            string entry = Path.Combine(folder, "transform.mjs");
            await File.WriteAllTextAsync(entry, "export default (changes) => changes.map(({ row }) => ({ action: \"upsert\", document: row }));");
            var options = new TransformHostOptions
            {
                ProjectFolder = folder, CacheFolder = folder, Runtime = runtime,
                Environment = new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "" },
            };
            var services = new TransformServices(folder, entry => Console.WriteLine(entry.Text));
            await using var host = await TransformHost.OpenAsync(options, [entry], services, TimeProvider.System, default);
            Console.WriteLine($"{host.Runtime.Kind} {host.Runtime.Version}, {Batches} batches of {BatchRows}, {RowBytes(batches)} bytes of values a row");
            var module = new TransformModule(entry, "0", "0001_posts", "posts");
            var table = new TableShape("public", "posts", [.. Columns.Select(c => new TableColumn(c.Name, new TypeShape(c.Oid, c.Type)))], ["id"]);
            await using var script = await host.LoadAsync(Mapping, module, new PlanTransformRows(table, Mapping), default);
            await ReportAsync("TypeScript, 1 call at a time", script, batches, 1);
            await ReportAsync("TypeScript, 2 calls at a time", script, batches, 2);
            await using var code = await AssemblyTransform.RegisterAsync(new PassThrough(), Mapping, module, options, services, TimeProvider.System, default);
            await ReportAsync("C#, 1 call at a time", code, batches, 1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task ReportAsync(string name, ITransform transform, TransformInput[][] batches, int width)
    {
        double best = 0;
        var processor = TimeSpan.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            var before = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            int next = -1;
            await Task.WhenAll(Enumerable.Range(0, width).Select(async _ =>
            {
                for (int batch = Interlocked.Increment(ref next); batch < batches.Length; batch = Interlocked.Increment(ref next))
                {
                    await transform.RunAsync(batches[batch], 1, default);
                }
            }));

            // The first round warms up.
            if (round > 0)
            {
                best = Math.Max(best, (double)batches.Length * BatchRows / Stopwatch.GetElapsedTime(start).TotalSeconds);
                var used = Environment.CpuUsage.TotalTime - before;
                processor = used < processor ? used : processor;
            }
        }

        double perRow = processor.TotalMicroseconds / (batches.Length * BatchRows);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-32}{best,12:F0} rows/s {perRow,8:F2} µs of this process a row"));
    }

    private static TransformInput[][] MakeBatches()
    {
        var random = new Random(1);
        string[] words = [.. Enumerable.Range(0, 500).Select(i => $"word{i}")];
        return [.. Enumerable.Range(0, Batches).Select(batch => MakeBatch(batch, random, words))];
    }

    private static TransformInput[] MakeBatch(int number, Random random, string[] words)
    {
        var batch = new ChangeBatch();
        var inputs = new TransformInput[BatchRows];
        for (int i = 0; i < BatchRows; i++)
        {
            long id = ((long)number * BatchRows) + i;
            batch.Add(ChangeKind.Insert, Relation, 7, new SyncPosition(new Lsn(1000), (uint)i + 1), 800_000_000_000_000);
            string body = string.Join(' ', Enumerable.Range(0, 20).Select(_ => words[random.Next(words.Length)]));
            string author = new Guid((int)id, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11).ToString();
            foreach (string value in (ReadOnlySpan<string>)
                [$"{id}", $"title {id}", body, $"{id % 1000}", "12.75", "t", author, "2026-05-01 12:00:00.123456+00"])
            {
                batch.AddNew(ColumnState.Text, Encoding.UTF8.GetBytes(value));
            }

            var change = batch[i];
            inputs[i] = new TransformInput(
                ChangeKind.Insert, Value.UInt((ulong)id), Relation, change.New, default, OldTupleKind.None, null, change.Position, change.CommitMicroseconds);
        }

        return inputs;
    }

    private static long RowBytes(TransformInput[][] batches) =>
        Enumerable.Range(0, Columns.Length).Sum(column => batches[0].Sum(input => (long)input.Row.Bytes(column).Length)) / BatchRows;

    private sealed class PassThrough : ISyncTransform
    {
        public ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken)
        {
            for (int i = 0; i < changes.Length; i++)
            {
                var row = changes.Span[i];
                actions.Upsert(
                    i,
                    [
                        new("title", row.GetTextValue(1)), new("body", row.GetTextValue(2)), new("views", Value.Int(row.GetInt64(3))),
                        new("score", Value.Float(row.GetDouble(4))), new("live", Value.Bool(row.GetBoolean(5))),
                        new("author", Value.Uuid(row.GetUuid(6).ToByteArray(bigEndian: true))), new("created_at", row.GetTextValue(7)),
                    ]);
            }

            return ValueTask.CompletedTask;
        }
    }
}
