using System.Net;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>One request to the Blob service.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Doing">For messages, as in "GET wal/7".</param>
internal sealed record AzureCall(HttpMethod Method, string Doing)
{
    /// <summary>The blob's name, not yet escaped for an address; null for the container.</summary>
    public string? Blob { get; init; }

    /// <summary>Parameters of the query, not yet escaped.</summary>
    public IReadOnlyList<(string Name, string Value)> Query { get; init; } = [];

    /// <summary>Headers beside those of every request.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    public ReadOnlyMemory<byte>? Body { get; init; }

    public bool IsWrite => Method != HttpMethod.Get && Method != HttpMethod.Head;
}

/// <summary>What came back. <see cref="Content"/> is there for a successful GET; whoever asked owns its one reference.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The service's error code, as in "BlobNotFound"; null without one.</param>
/// <param name="ETag">With its quotes.</param>
/// <param name="TotalBytes">The whole blob's length, also for a range.</param>
/// <param name="LastModified">When the blob was last written.</param>
/// <param name="CopyStatus">"success", "pending", "aborted" or "failed" for a blob that is or was the target of a copy.</param>
/// <param name="Content">The body.</param>
internal sealed record AzureAnswer(
    HttpStatusCode Status, string? Code, string? ETag, long TotalBytes, DateTimeOffset LastModified, string? CopyStatus, NativeObjectMemory? Content)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>404 for the blob itself. A missing container is an error, never an absent object.</summary>
    public bool IsNoSuchBlob => Status == HttpStatusCode.NotFound && Code is not ("ContainerNotFound" or "ResourceNotFound");
}
