using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>
/// Appends what would be written to a file of JSON lines for each namespace: `{"op":"upsert","id":1,"document":{…}}`. A batch is on the disk when it returns;
/// it may come twice after a crash.
/// </summary>
/// <param name="directory">Made when it is not there.</param>
internal sealed class FileDestination(string directory) : IDestination
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private readonly ConcurrentDictionary<string, Lock> gates = [];

    public bool HasTokens => false;

    public Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation) =>
        Task.FromResult(new NamespaceState(File.Exists(PathOf(name)), null, 0));

    public Task WriteAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        try
        {
            Append(batch);
            return Task.CompletedTask;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DestinationException(
                failure is IOException ? DestinationFailure.Temporary : DestinationFailure.Mapping, "destination_down", failure.Message, null, failure);
        }
    }

    /// <summary>Nothing can be read back from a list of operations.</summary>
    public Task<IReadOnlyList<DocumentRow>> FetchAsync(
        string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation) => NothingAsync();

    public Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation) => NothingAsync();

    public Task DropAsync(string name, CancellationToken cancellation)
    {
        File.Delete(PathOf(name));
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Task<IReadOnlyList<DocumentRow>> NothingAsync() => Task.FromResult<IReadOnlyList<DocumentRow>>([]);

    private string PathOf(string name) => Path.Combine(directory, name + ".ndjson");

    private void Append(DestinationBatch batch)
    {
        Directory.CreateDirectory(directory);
        using var lines = new MemoryStream();
        if (batch.DeleteByFilter is { } filter)
        {
            Line(lines, writer =>
            {
                writer.WriteString("op"u8, "delete_by_filter"u8);
                writer.WritePropertyName("filter"u8);
                RequestJson.Write(writer, filter);
            });
        }

        AddRows(lines, "upsert", batch.Upserts);
        AddRows(lines, "patch", batch.Patches);
        AddRows(lines, "delete", [.. batch.Deletes.Select(id => new DocumentRow(id, []))]);
        lock (gates.GetOrAdd(batch.Namespace, _ => new Lock()))
        {
            using var file = new FileStream(PathOf(batch.Namespace), FileMode.Append, FileAccess.Write, FileShare.Read);
            lines.WriteTo(file);
            file.Flush(flushToDisk: true);
        }
    }

    private static void AddRows(MemoryStream lines, string operation, IReadOnlyList<DocumentRow> rows)
    {
        foreach (var row in rows)
        {
            Line(lines, writer =>
            {
                writer.WriteString("op"u8, operation);
                writer.WritePropertyName("id"u8);
                ValueJson.Write(writer, row.Id);
                if (operation == "delete")
                {
                    return;
                }

                writer.WriteStartObject("document"u8);
                foreach (var (name, value) in row.Attributes)
                {
                    writer.WritePropertyName(name);
                    ValueJson.Write(writer, value);
                }

                writer.WriteEndObject();
            });
        }
    }

    private static void Line(MemoryStream lines, Action<Utf8JsonWriter> write)
    {
        using (var writer = new Utf8JsonWriter(lines, Relaxed))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        lines.WriteByte((byte)'\n');
    }
}

/// <summary>Takes everything and keeps nothing: for measurements and trials.</summary>
internal sealed class NullDestination : IDestination
{
    private long documents;

    /// <summary>Documents written, patched and deleted so far.</summary>
    public long Documents => Interlocked.Read(ref documents);

    public bool HasTokens => false;

    public Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation) => Task.FromResult(new NamespaceState(false, null, 0));

    public Task WriteAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        Interlocked.Add(ref documents, batch.Upserts.Count + batch.Patches.Count + batch.Deletes.Count);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<DocumentRow>> FetchAsync(
        string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DocumentRow>>([]);

    public Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DocumentRow>>([]);

    public Task DropAsync(string name, CancellationToken cancellation) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
