using System.Text.Json.Nodes;

namespace Puff.Server.Tests.Durability;

/// <summary>
/// One writer and one reader of a namespace. As official clients do they repeat what failed a few times; the writer keeps the book of what was acknowledged,
/// and the reader must find all that was acknowledged before it asked.
/// </summary>
internal sealed class NamespaceLoad(HttpClient http, string url, string name)
{
    private const int Documents = 10;

    /// <summary>As many as official clients make, and pauses as theirs.</summary>
    private const int Attempts = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    private readonly ClusterClient client = new(http, url, name);
    private readonly long[] versions = new long[Documents];
    private long acknowledged;
    private int readRepeats;

    public long Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>Reads that did not succeed at first.</summary>
    public int ReadRepeats => Volatile.Read(ref readRepeats);

    /// <summary>Writes one document after the other, each version until it is acknowledged.</summary>
    public async Task WriteUntilAsync(CancellationToken ending)
    {
        for (long version = 1; !ending.IsCancellationRequested; version++)
        {
            long id = version % Documents;
            var rows = new JsonArray(new JsonObject { ["id"] = id, ["version"] = version, ["twin"] = version });
            await RepeatAsync(() => client.WriteAsync(new JsonObject { ["upsert_rows"] = rows.DeepClone() }), () => { });
            Volatile.Write(ref versions[id], version);
            Interlocked.Increment(ref acknowledged);
        }
    }

    public async Task ReadUntilAsync(CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            if (Acknowledged == 0)
            {
                // Nothing to find yet: the namespace may not exist.
                await Task.Yield();
                continue;
            }

            await RepeatAsync(() => CheckAsync(client), () => Interlocked.Increment(ref readRepeats));
        }
    }

    /// <summary>Reads through one node and compares with the book.</summary>
    public Task CheckAsync(string node) => CheckAsync(new ClusterClient(http, node, name));

    private async Task<bool> CheckAsync(ClusterClient reader)
    {
        long[] before = [.. Enumerable.Range(0, Documents).Select(i => Volatile.Read(ref versions[i]))];
        var found = await reader.ReadAllAsync();
        for (int id = 0; id < Documents; id++)
        {
            long version = found.TryGetValue(id, out var row) ? row.GetProperty("version").GetInt64() : 0;
            bool isWhole = version == 0 || row.GetProperty("twin").GetInt64() == version;
            if (version < before[id] || !isWhole)
            {
                throw new InvalidOperationException($"\"{name}\" has version {version} of document {id}; {before[id]} was acknowledged before: {row}");
            }
        }

        return true;
    }

    /// <summary>Repeats what a client may repeat: lost connections, and answers that say that it is temporary.</summary>
    private static async Task<T> RepeatAsync<T>(Func<Task<T>> request, Action onRepeat)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await request();
            }
            catch (Exception failure) when (attempt < Attempts && IsTemporary(failure))
            {
                onRepeat();
                await Task.Delay(FirstPause * (1 << (attempt - 1)));
            }
        }
    }

    private static bool IsTemporary(Exception failure) =>
        failure is IOException || failure is HttpRequestException { StatusCode: null or >= System.Net.HttpStatusCode.InternalServerError };
}
