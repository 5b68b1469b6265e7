using System.Globalization;
using System.Net;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// A container of Azure Blob Storage: block blobs, conditional writes by ETag. No call is repeated here except the parts of uploads and downloads, which
/// mean the same twice. Wrap in <see cref="RetryingObjectStore"/>.
/// </summary>
public sealed class AzureBlobStore : IObjectStore
{
    private const int MaxAttempts = 5;

    private readonly AzureStoreOptions options;
    private readonly AzureClient client;
    private readonly AzureMarkers markers = new();
    private readonly string root;

    public AzureBlobStore(AzureStoreOptions options)
    {
        this.options = options;
        string prefix = options.Prefix.Trim('/');
        root = prefix.Length == 0 ? "" : AzureNames.Encode(prefix) + "/";
        string place = $"az://{options.Container}{(prefix.Length == 0 ? "" : "/")}{prefix}";
        Description = $"{place} of account {options.Account}{(options.Endpoint is null ? "" : $" at {options.Endpoint}")}";
        client = new AzureClient(options, Description);
    }

    public string Description { get; }

    public StoreCapabilities Capabilities { get; } =
        new(SupportsMapping: false, IsShared: true, IsDurable: true, MaxObjectBytes: (long)AzureBlockWriter.PartBytes * AzureBlockWriter.MaxBlocks);

    public async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        ObjectKeys.Validate(options);
        if (options.Length == 0)
        {
            return await EmptyRange.GetAsync(this, key, options, purpose, cancellation);
        }

        var call = BlobCall(HttpMethod.Get, key, "GET") with
        {
            Headers =
            [
                .. options is { Offset: null or 0, Length: null } ? [] : new[] { RangeHeader(options.Offset ?? 0, options.Length) },
                .. options.IfNoneMatch is null ? [] : new[] { ("If-None-Match", options.IfNoneMatch) },
            ],
        };
        var answer = await client.SendAsync(call, cancellation);
        return answer switch
        {
            { IsSuccess: true } => new GetResult(GetStatus.Found, answer.Content, answer.ETag, answer.TotalBytes),
            { IsNoSuchBlob: true } => new GetResult(GetStatus.Absent, null, null, 0),
            { Status: HttpStatusCode.NotModified } => new GetResult(GetStatus.NotModified, null, options.IfNoneMatch, 0),
            { Status: HttpStatusCode.RequestedRangeNotSatisfiable } => await EmptyRange.GetAsync(this, key, options, purpose, cancellation),
            _ => throw AzureErrors.Answer(answer, call, Description),
        };
    }

    public async ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        var call = PutCall(key, content);
        call = call with
        {
            Headers =
            [
                .. call.Headers,
                .. condition.IfAbsent ? new[] { ("If-None-Match", "*") } : [],
                .. condition.IfMatch is null ? [] : new[] { ("If-Match", condition.IfMatch) },
            ],
        };
        var answer = await client.SendAsync(call, cancellation);
        if (answer.IsSuccess)
        {
            return new PutResult(PutStatus.Written, answer.ETag);
        }

        return IsLost(answer, condition) ? new PutResult(PutStatus.PreconditionFailed, null) : throw AzureErrors.Answer(answer, call, Description);
    }

    public ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        return new(new AzureBlockWriter(this, key));
    }

    public async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        var call = BlobCall(HttpMethod.Delete, key, "DELETE") with { Headers = [("x-ms-delete-snapshots", "include")] };
        var answer = await client.SendAsync(call, cancellation);
        if (!answer.IsSuccess && !answer.IsNoSuchBlob)
        {
            throw AzureErrors.Answer(answer, call, Description);
        }
    }

    public async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(options);
        return await new AzureListing(client, markers, root, options).RunAsync(cancellation);
    }

    public async ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        return await HeadAnswerAsync(key, cancellation) is { } answer ? new ObjectInfo(key, answer.TotalBytes, answer.ETag!, answer.LastModified) : null;
    }

    public async ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(sourceKey);
        ObjectKeys.Validate(targetKey);
        if (await HeadAnswerAsync(sourceKey, cancellation) is null)
        {
            return false;
        }

        var call = BlobCall(HttpMethod.Put, targetKey, $"COPY {sourceKey} to") with
        {
            Headers = [("x-ms-copy-source", client.Address(root + AzureNames.Encode(sourceKey)))],
            Body = ReadOnlyMemory<byte>.Empty,
        };
        var answer = await client.SendAsync(call, cancellation);
        if (answer.IsNoSuchBlob)
        {
            return false;
        }

        await FinishCopyAsync(answer.IsSuccess ? answer : throw AzureErrors.Answer(answer, call, Description), call, targetKey, cancellation);
        return true;
    }

    public async ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        return await new AzureDownload(this, key, options.CacheDirectory).RunAsync(cancellation);
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return default;
    }

    internal static (string Name, string Value) RangeHeader(long offset, long? length)
    {
        string first = offset.ToString(CultureInfo.InvariantCulture);
        bool isOpen = length is null || length > long.MaxValue - offset;
        return ("x-ms-range", $"bytes={first}-{(isOpen ? "" : (offset + length!.Value - 1).ToString(CultureInfo.InvariantCulture))}");
    }

    internal AzureCall BlobCall(HttpMethod method, string key, string doing) => new(method, $"{doing} {key}") { Blob = root + AzureNames.Encode(key) };

    internal AzureCall PutCall(string key, ReadOnlyMemory<byte> content) =>
        BlobCall(HttpMethod.Put, key, "PUT") with { Headers = [("x-ms-blob-type", "BlockBlob")], Body = content };

    /// <summary>For calls that mean the same twice: repeats what failed for a passing reason, with growing waits.</summary>
    internal async Task<AzureAnswer> RepeatAsync(AzureCall call, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var answer = await client.SendAsync(call, cancellation);
                if (attempt == MaxAttempts || answer.IsSuccess || !AzureErrors.IsTransient(answer))
                {
                    return answer;
                }
            }
            catch (StoreException error) when (error.Transient && attempt < MaxAttempts)
            {
                // Next attempt.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), options.Time, cancellation);
        }
    }

    internal async Task<AzureAnswer> RepeatOrThrowAsync(AzureCall call, CancellationToken cancellation)
    {
        var answer = await RepeatAsync(call, cancellation);
        return answer.IsSuccess ? answer : throw AzureErrors.Answer(answer, call, Description);
    }

    /// <summary>409 for a blob that should be absent, 412, and 404 for If-Match on a blob that is not there.</summary>
    private static bool IsLost(AzureAnswer answer, PutCondition condition) => answer switch
    {
        { Status: HttpStatusCode.Conflict, Code: "BlobAlreadyExists" } => condition.IfAbsent,
        { Status: HttpStatusCode.PreconditionFailed, Code: "ConditionNotMet" or null } => true,
        { IsNoSuchBlob: true } => condition.IfMatch is not null,
        _ => false,
    };

    /// <summary>Null when the blob is absent.</summary>
    private async Task<AzureAnswer?> HeadAnswerAsync(string key, CancellationToken cancellation)
    {
        var call = BlobCall(HttpMethod.Head, key, "HEAD");
        var answer = await client.SendAsync(call, cancellation);
        return answer.IsSuccess ? answer : answer.IsNoSuchBlob ? null : throw AzureErrors.Answer(answer, call, Description);
    }

    /// <summary>Within an account a copy is mostly done when it is answered; where not, the target says how far it is.</summary>
    private async Task FinishCopyAsync(AzureAnswer answer, AzureCall call, string targetKey, CancellationToken cancellation)
    {
        string? status = answer.CopyStatus;
        for (int wait = 10; status == "pending"; wait = Math.Min(wait * 2, 1000))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(wait), options.Time, cancellation);
            status = (await HeadAnswerAsync(targetKey, cancellation))?.CopyStatus;
        }

        if (status is not (null or "success"))
        {
            throw new StoreException($"{call.Doing} on {Description} failed: the service reports the copy as {status}", transient: true, outcomeUnknown: true);
        }
    }
}
