using Puff.Edge.Client;

namespace Puff.Edge.Tests;

/// <summary>Both stores of one engine in a folder of their own, and a server in this process.</summary>
internal sealed class EdgeFixture : IAsyncDisposable
{
    private EdgeFixture(EdgeEngine engine, string folder)
    {
        Engine = engine;
        Folder = folder;
        Kv = KvStore.Open(engine, KvPath);
        Blobs = BlobStore.Open(engine, BlobPath);
    }

    public EdgeEngine Engine { get; }

    public string Folder { get; }

    public string KvPath => Path.Combine(Folder, "kv_store.db");

    public string BlobPath => Path.Combine(Folder, "blob_store.db");

    public KvStore Kv { get; private set; }

    public BlobStore Blobs { get; private set; }

    public EdgeServer Server { get; private set; } = null!;

    public EdgeChannel Channel { get; private set; } = null!;

    public KvClient KvClient => new(Channel);

    public BlobClient BlobClient => new(Channel);

    public static async Task<EdgeFixture> StartAsync(EdgeEngine engine, EdgeServerOptions? options = null)
    {
        var fixture = new EdgeFixture(engine, Directory.CreateTempSubdirectory("puff-edge-").FullName);
        await fixture.ServeAsync(options);
        return fixture;
    }

    /// <summary>Closes the stores and the server, and opens the same files again.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        Kv = KvStore.Open(Engine, KvPath);
        Blobs = BlobStore.Open(Engine, BlobPath);
        await ServeAsync(null);
    }

    public DuplexCall Open(string path, CancellationToken cancellation = default, params (string Name, string Value)[] metadata) =>
        Channel.Open(path, metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)), cancellation);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task ServeAsync(EdgeServerOptions? options)
    {
        Server = options is null ? await EdgeServer.StartInProcessAsync(Kv, Blobs) : await EdgeServer.StartAsync(Kv, Blobs, options);
        Channel = Server.Connect();
    }

    private async Task StopAsync()
    {
        Channel.Dispose();
        await Server.DisposeAsync();
        await Kv.DisposeAsync();
        await Blobs.DisposeAsync();
    }

    public static async IAsyncEnumerable<T> Stream<T>(params IEnumerable<T> items)
    {
        foreach (T item in items)
        {
            yield return item;
        }

        await Task.CompletedTask;
    }
}
