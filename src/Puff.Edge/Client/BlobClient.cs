using Google.Protobuf;
using Puff.Edge.Protos.Blob;

namespace Puff.Edge.Client;

/// <summary>The blob service of a server, remote or in this process. Thread-safe. Errors are <see cref="Transport.EdgeException"/>.</summary>
public sealed class BlobClient(EdgeChannel channel)
{
    private const string Service = "/buffdb.blob.Blob/";

    /// <summary>One blob an id, in order. A missing id ends the stream with NotFound after the blobs before it.</summary>
    public IAsyncEnumerable<StoredBlob> GetAsync(IAsyncEnumerable<ulong> ids, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Get", cancellation), ids, id => KvClient.Encode(new GetRequest { Id = id }), BlobOf);

    public async Task<StoredBlob> GetAsync(ulong id, CancellationToken cancellation = default) =>
        await GetAsync(KvClient.One(id), cancellation).SingleAsync(cancellation);

    /// <summary>Stores new blobs; each answer is an id, given when the blob is durable.</summary>
    public IAsyncEnumerable<ulong> StoreAsync(IAsyncEnumerable<StoredBlob> blobs, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Store", cancellation), blobs, blob => KvClient.Encode(StoreOf(blob)), IdOf);

    public async Task<ulong> StoreAsync(byte[] data, string? metadata = null, CancellationToken cancellation = default) =>
        await StoreAsync(KvClient.One(new StoredBlob(data, metadata)), cancellation).SingleAsync(cancellation);

    /// <summary>Replaces data, metadata or both in one step; an id that is missing is answered like any other.</summary>
    /// <param name="data">Null keeps the data.</param>
    /// <param name="setsMetadata">False keeps the metadata.</param>
    /// <param name="metadata">Null removes it.</param>
    public async Task UpdateAsync(ulong id, byte[]? data, bool setsMetadata, string? metadata, CancellationToken cancellation = default)
    {
        var request = new UpdateRequest { Id = id, ShouldUpdateMetadata = setsMetadata };
        if (data is not null)
        {
            request.Bytes = ByteString.CopyFrom(data);
        }

        if (metadata is not null)
        {
            request.Metadata = metadata;
        }

        await StreamingCall.RunAsync(Open("Update", cancellation), KvClient.One(request), KvClient.Encode, IdOf).SingleAsync(cancellation);
    }

    /// <summary>Removes; an id that is missing is answered like any other.</summary>
    public IAsyncEnumerable<ulong> DeleteAsync(IAsyncEnumerable<ulong> ids, CancellationToken cancellation = default) =>
        StreamingCall.RunAsync(Open("Delete", cancellation), ids, id => KvClient.Encode(new DeleteRequest { Id = id }), IdOf);

    /// <summary>Whether all blobs have the same data.</summary>
    public Task<bool> EqDataAsync(IAsyncEnumerable<ulong> ids, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(Open("EqData", cancellation), ids, id => KvClient.Encode(new EqDataRequest { Id = id }), KvClient.VerdictOf);

    /// <summary>Whether no two blobs have the same data.</summary>
    public Task<bool> NotEqDataAsync(IAsyncEnumerable<ulong> ids, CancellationToken cancellation = default) =>
        StreamingCall.RunForOneAsync(Open("NotEqData", cancellation), ids, id => KvClient.Encode(new NotEqDataRequest { Id = id }), KvClient.VerdictOf);

    private DuplexCall Open(string method, CancellationToken cancellation) => channel.Open(Service + method, null, cancellation);

    private static StoreRequest StoreOf(StoredBlob blob)
    {
        var request = new StoreRequest { Bytes = ByteString.CopyFrom(blob.Data) };
        if (blob.Metadata is not null)
        {
            request.Metadata = blob.Metadata;
        }

        return request;
    }

    private static StoredBlob BlobOf(byte[] answer)
    {
        GetResponse response = GetResponse.Parser.ParseFrom(answer);
        return new StoredBlob(response.Bytes.ToByteArray(), response.HasMetadata ? response.Metadata : null);
    }

    private static ulong IdOf(byte[] answer) => StoreResponse.Parser.ParseFrom(answer).Id;
}
