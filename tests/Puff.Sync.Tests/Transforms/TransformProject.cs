using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>A project in a temporary folder, with one host.</summary>
internal sealed class TransformProject : IAsyncDisposable
{
    public static readonly RelationShape Posts = new(
        16400, "public", "posts", ReplicaIdentity.Default,
        [new("id", 20, -1, IsKey: true), new("title", 25, -1, false), new("views", 23, -1, false), new("score", 701, -1, false), new("live", 16, -1, false)]);

    private readonly string folder = Directory.CreateTempSubdirectory("puff-transform-").FullName;
    private TransformHost? host;

    public TransformProject(bool withPackages = false)
    {
        if (withPackages)
        {
            Directory.CreateSymbolicLink(Path.Combine(folder, "node_modules"), Packages);
        }
    }

    /// <summary>The packages of tests/tools/node-runtimes.</summary>
    public static string Packages
    {
        get
        {
            string path = Repository.Resolve("tests/tools/node-runtimes/node_modules");
            return Directory.Exists(path)
                ? path
                : throw new InvalidOperationException("run `npm ci` in tests/tools/node-runtimes: it holds what transforms in TypeScript are tested with");
        }
    }

    /// <summary>A Node that reads TypeScript.</summary>
    public static string NewNode => Path.Combine(Packages, "node", "bin", "node");

    public string Folder => folder;

    public RecordingServices Services { get; } = new();

    public TransformHost Host => host!;

    public TransformHostOptions Options { get; set; } = new() { ProjectFolder = "", Environment = new Dictionary<string, string>() };

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public static MappingDefinition Mapping(string name = "posts", TransformDefinition? transform = null) => new()
    {
        Name = name, Source = new SourceDefinition("posts"), Target = new TargetDefinition(name), Id = new IdDefinition(Type: IdType.UInt),
        Transform = transform ?? new TransformDefinition(TransformKind.TypeScript),
    };

    /// <summary>Rows with ids 1 … count, in one batch.</summary>
    public static IReadOnlyList<TransformInput> Rows(int count, ChangeKind kind = ChangeKind.Insert) =>
        [.. Enumerable.Range(1, count).Select(id => Row(kind, Invariant(id), $"title {id}", Invariant(id * 10), Invariant(id + 0.5), id % 2 == 0 ? "t" : "f"))];

    /// <summary>One change of <see cref="Posts"/> with these values, null for NULL.</summary>
    public static TransformInput Row(ChangeKind kind, params string?[] values) => Row(Posts, kind, values);

    public static TransformInput Row(RelationShape relation, ChangeKind kind, params string?[] values)
    {
        var batch = new ChangeBatch();
        batch.Add(kind, relation, 7, new SyncPosition(new Lsn(0x16B3748), 3), 1_000_000);
        foreach (string? value in values)
        {
            batch.AddNew(value is null ? ColumnState.Null : ColumnState.Text, System.Text.Encoding.UTF8.GetBytes(value ?? ""));
        }

        ulong id = ulong.Parse(values[0]!, CultureInfo.InvariantCulture);
        var change = batch[0];
        return new TransformInput(
            kind, Value.UInt(id), relation, change.New, change.Old, OldTupleKind.None, null, change.Position, change.CommitMicroseconds);
    }

    public string Write(string name, string text)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Loads this code as the transform of a mapping; the first one opens the host.</summary>
    public async Task<ITransform> LoadAsync(string code, string file = "transform.mjs", MappingDefinition? mapping = null)
    {
        mapping ??= Mapping();
        string path = Write($"migrations/0001_{mapping.Name}/{file}", code);
        host ??= await OpenAsync(path);
        var module = new TransformModule(path, "0123456789abcdef", $"0001_{mapping.Name}", mapping.Target.Namespace);
        return await host.LoadAsync(mapping, module, new TextRows(), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    private Task<TransformHost> OpenAsync(string entry)
    {
        var environment = new Dictionary<string, string>(Options.Environment) { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "" };
        var options = Options with { ProjectFolder = folder, Environment = environment, CacheFolder = Path.Combine(folder, "cache") };
        return TransformHost.OpenAsync(options, [entry], Services, Time, TestContext.Current.CancellationToken);
    }

    private static string Invariant(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Text of a few types as a transform sees it.</summary>
internal sealed class TextRows : ITransformRowWriter
{
    public TransformColumnKind KindOf(RelationShape relation, int ordinal) => relation.Columns[ordinal].TypeOid switch
    {
        20 => TransformColumnKind.BigInt,
        17 => TransformColumnKind.Bytes,
        16_999 => TransformColumnKind.Vector,
        1016 => TransformColumnKind.BigIntArray,
        _ => TransformColumnKind.Plain,
    };

    public void WriteValue(RelationShape relation, int ordinal, ColumnState state, ReadOnlySpan<byte> value, Utf8JsonWriter json)
    {
        switch (relation.Columns[ordinal].TypeOid)
        {
            case 16:
                json.WriteBooleanValue(value is [(byte)'t']);
                break;
            case 21 or 23 or 700 or 701 or 114 or 1016:
                json.WriteRawValue(value);
                break;
            case 17:
                json.WriteBase64StringValue(value);
                break;
            case 16_999:
                float[] vector = JsonSerializer.Deserialize<float[]>(value)!;
                json.WriteBase64StringValue(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(vector));
                break;
            default:
                json.WriteStringValue(value);
                break;
        }
    }
}

/// <summary>Answers what user code asks, and keeps what it logs.</summary>
internal sealed class RecordingServices : ITransformServices
{
    private readonly List<(string Text, TaskCompletionSource Seen)> waiting = [];

    public ConcurrentQueue<TransformLog> Logs { get; } = new();

    public ConcurrentDictionary<string, byte[]> Cache { get; } = new();

    public Exception? EmbedFailure { get; set; }

    public Action<TransformLog>? OnLog { get; set; }

    public void Log(TransformLog entry)
    {
        Logs.Enqueue(entry);
        OnLog?.Invoke(entry);
        lock (waiting)
        {
            foreach (var wait in waiting.Where(wait => wait.Text == entry.Text))
            {
                wait.Seen.TrySetResult();
            }
        }
    }

    /// <summary>Until this text was logged.</summary>
    public Task WaitForAsync(string text)
    {
        lock (waiting)
        {
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((text, seen));
            if (Logs.Any(entry => entry.Text == text))
            {
                seen.TrySetResult();
            }

            return seen.Task.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    public Task<IReadOnlyList<float[]>> EmbedAsync(
        string mapping, IReadOnlyList<string> texts, EmbedOptions options, CancellationToken cancellation) =>
        EmbedFailure is { } failure
            ? Task.FromException<IReadOnlyList<float[]>>(failure)
            : Task.FromResult<IReadOnlyList<float[]>>([.. texts.Select(text => new float[] { text.Length, options.Dimensions ?? 0 })]);

    public Task<byte[]?> ReadCacheAsync(string mapping, string key, CancellationToken cancellation) =>
        Task.FromResult(Cache.TryGetValue($"{mapping}/{key}", out byte[]? value) ? value : null);

    public Task WriteCacheAsync(string mapping, string key, byte[] value, CancellationToken cancellation)
    {
        Cache[$"{mapping}/{key}"] = value;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<JsonElement>> LookUpAsync(string mapping, string name, JsonElement keys, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<JsonElement>>(
            [.. keys.EnumerateArray().Select(key => JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["name"] = $"{name} {key}" }))]);
}
