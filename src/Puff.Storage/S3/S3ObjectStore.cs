using System.Globalization;
using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>
/// A bucket of Amazon S3 or of a server that speaks its protocol, conditional writes included (Ceph, MinIO and others). No call is repeated here except the
/// parts of a streamed write: had a conditional put won and its reply been lost, a repetition would report it as lost.
/// Wrap in <see cref="RetryingObjectStore"/>.
/// </summary>
public sealed class S3ObjectStore : IObjectStore
{
    private readonly S3StoreOptions options;
    private readonly string prefix;
    private readonly SocketsHttpHandler connections = S3HttpClients.CreateConnections();
    private readonly S3HttpClients sendingOnce;
    private readonly S3HttpClients repeating;

    public S3ObjectStore(S3StoreOptions options)
    {
        this.options = options;
        string trimmed = options.Prefix.Trim('/');
        prefix = trimmed.Length == 0 ? "" : trimmed + "/";
        Description = $"s3://{options.Bucket}{(trimmed.Length == 0 ? "" : "/")}{trimmed}{(options.Endpoint is null ? "" : $" at {options.Endpoint}")}";
        sendingOnce = new S3HttpClients(connections, options, mayRepeat: false);
        repeating = new S3HttpClients(connections, options, mayRepeat: true);
        Client = CreateClient(options, sendingOnce, retries: 0);
        RepeatingClient = CreateClient(options, repeating, retries: 4);
    }

    public string Description { get; }

    public StoreCapabilities Capabilities { get; } =
        new(SupportsMapping: false, IsShared: true, IsDurable: true, MaxObjectBytes: (long)S3ObjectWriter.PartBytes * S3ObjectWriter.MaxParts);

    /// <summary>Sends every request once.</summary>
    internal IAmazonS3 Client { get; }

    /// <summary>Repeats requests: only for those that mean the same twice.</summary>
    internal IAmazonS3 RepeatingClient { get; }

    internal string Bucket => options.Bucket;

    public async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        ObjectKeys.Validate(options);
        if (options.Length == 0)
        {
            return await EmptyRange.GetAsync(this, key, options, purpose, cancellation);
        }

        var request = new GetObjectRequest { BucketName = Bucket, Key = FullKey(key), EtagToNotMatch = options.IfNoneMatch, ByteRange = Range(options) };
        return await CallAsync<GetResult?>($"GET {key}", false, () => TryGetAsync(request, cancellation), cancellation)
            ?? await EmptyRange.GetAsync(this, key, options, purpose, cancellation);
    }

    public async ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        var request = PutRequest(key, content);
        request.IfNoneMatch = condition.IfAbsent ? "*" : null;
        request.IfMatch = condition.IfMatch;
        return await CallAsync($"PUT {key}", true, () => TryPutAsync(request, cancellation), cancellation);
    }

    public ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        return new(new S3ObjectWriter(this, key));
    }

    public async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        await CallAsync($"DELETE {key}", true, () => Client.DeleteObjectAsync(Bucket, FullKey(key), cancellation), cancellation);
    }

    public async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(options);
        var listing = new S3Listing(Client, Bucket, prefix, options);
        return await CallAsync($"LIST {options.Prefix}", false, () => listing.RunAsync(cancellation), cancellation);
    }

    public async ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        return await CallAsync($"HEAD {key}", false, () => TryHeadAsync(key, cancellation), cancellation);
    }

    public async ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(sourceKey);
        ObjectKeys.Validate(targetKey);
        if (await HeadAsync(sourceKey, purpose, cancellation) is not { } source)
        {
            return false;
        }

        return await CallAsync(
            $"COPY {sourceKey} to {targetKey}",
            true,
            () => source.Bytes > options.SingleCopyBytes ? CopyPartsAsync(source, targetKey, cancellation) : TryCopyAsync(sourceKey, targetKey, cancellation),
            cancellation);
    }

    public async ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        var download = new S3Download(this, Bucket, FullKey(key), options.CacheDirectory);
        return await CallAsync($"GET {key}", false, () => download.RunAsync(cancellation), cancellation);
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        RepeatingClient.Dispose();
        sendingOnce.Dispose();
        repeating.Dispose();
        connections.Dispose();
        return default;
    }

    /// <summary>The whole object's length, from a response with or without a range.</summary>
    internal static long TotalBytes(GetObjectResponse response)
    {
        string? range = response.ContentRange;
        return range is null ? response.ContentLength : long.Parse(range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>Reads a response's body, below 2 GiB, into memory that the caller owns. One that stops coming is given up.</summary>
    internal async Task<NativeObjectMemory> ReadBodyAsync(GetObjectResponse response, CancellationToken cancellation)
    {
        if (response.ContentLength > int.MaxValue)
        {
            throw new StoreException($"{response.Key} is longer than 2 GiB: read it in ranges or map it", transient: false, outcomeUnknown: false);
        }

        var content = NativeObjectMemory.Allocate(response.ContentLength);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(options.Timeout);
            await response.ResponseStream.ReadExactlyAsync(content.Memory, patience.Token);
            return content;
        }
        catch
        {
            content.Release();
            throw;
        }
    }

    internal string FullKey(string key) => prefix + key;

    internal PutObjectRequest PutRequest(string key, ReadOnlyMemory<byte> content) => new()
    {
        BucketName = Bucket,
        Key = FullKey(key),
        InputStream = new MemoryContentStream(content),
        UseChunkEncoding = false,
    };

    /// <summary>Makes a request and translates what goes wrong.</summary>
    internal async Task<T> CallAsync<T>(string doing, bool isWrite, Func<Task<T>> request, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            return await request();
        }
        catch (Exception error) when (S3Errors.IsStoreTrouble(error, cancellation))
        {
            throw S3Errors.Translate(error, doing, Description, isWrite);
        }
    }

    private static AmazonS3Client CreateClient(S3StoreOptions options, S3HttpClients http, int retries)
    {
        var config = new AmazonS3Config
        {
            HttpClientFactory = http,
            MaxErrorRetry = retries,
            ForcePathStyle = options.PathStyle ?? options.Endpoint is not null,

            // Additional checksums are a recent extension that many compatible servers refuse; Puff's objects carry their own.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is not null)
        {
            config.ServiceURL = options.Endpoint;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        return (options.AccessKey, options.SecretKey, options.SessionToken) switch
        {
            ({ } access, { } secret, null) => new AmazonS3Client(new BasicAWSCredentials(access, secret), config),
            ({ } access, { } secret, { } token) => new AmazonS3Client(new SessionAWSCredentials(access, secret, token), config),
            _ => new AmazonS3Client(config),
        };
    }

    private static ByteRange? Range(GetOptions options)
    {
        if (options is { Offset: null or 0, Length: null })
        {
            return null;
        }

        long first = options.Offset ?? 0;
        bool isOpen = options.Length is not { } length || length > long.MaxValue - first;
        return isOpen ? new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={first}-")) : new ByteRange(first, first + options.Length!.Value - 1);
    }

    /// <summary>Null when the range begins at or beyond the object's end.</summary>
    private async Task<GetResult?> TryGetAsync(GetObjectRequest request, CancellationToken cancellation)
    {
        try
        {
            using var response = await Client.GetObjectAsync(request, cancellation);
            return new GetResult(GetStatus.Found, await ReadBodyAsync(response, cancellation), response.ETag, TotalBytes(response));
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return new GetResult(GetStatus.Absent, null, null, 0);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.NotModified))
        {
            return new GetResult(GetStatus.NotModified, null, request.EtagToNotMatch, 0);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            return null;
        }
    }

    private async Task<PutResult> TryPutAsync(PutObjectRequest request, CancellationToken cancellation)
    {
        try
        {
            var response = await Client.PutObjectAsync(request, cancellation);
            return new PutResult(PutStatus.Written, response.ETag);
        }
        catch (AmazonS3Exception error) when (IsLost(error, request))
        {
            return new PutResult(PutStatus.PreconditionFailed, null);
        }
    }

    /// <summary>412, and 404 for If-Match on an object that is not there. 409 is not a loss: nobody knows.</summary>
    private static bool IsLost(AmazonS3Exception error, PutObjectRequest request) =>
        error.Is(HttpStatusCode.PreconditionFailed) || (request.IfMatch is not null && error.IsNoSuchKey());

    private async Task<ObjectInfo?> TryHeadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            var response = await Client.GetObjectMetadataAsync(Bucket, FullKey(key), cancellation);
            return Info(key, response.ContentLength, response.ETag, response.LastModified);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.NotFound))
        {
            // A HEAD has no body that could say whether it is the object or the bucket that is missing; a GET has.
            return await TryHeadByGetAsync(key, cancellation);
        }
    }

    private async Task<ObjectInfo?> TryHeadByGetAsync(string key, CancellationToken cancellation)
    {
        try
        {
            using var response = await Client.GetObjectAsync(Bucket, FullKey(key), cancellation);
            return Info(key, response.ContentLength, response.ETag, response.LastModified);
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return null;
        }
    }

    private static ObjectInfo Info(string key, long bytes, string etag, DateTime? modified) =>
        new(key, bytes, etag, new DateTimeOffset((modified ?? DateTime.UnixEpoch).ToUniversalTime()));

    private async Task<bool> TryCopyAsync(string sourceKey, string targetKey, CancellationToken cancellation)
    {
        try
        {
            await Client.CopyObjectAsync(Bucket, FullKey(sourceKey), Bucket, FullKey(targetKey), cancellation);
            return true;
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return false;
        }
    }

    private async Task<bool> CopyPartsAsync(ObjectInfo source, string targetKey, CancellationToken cancellation)
    {
        var start = new InitiateMultipartUploadRequest { BucketName = Bucket, Key = FullKey(targetKey) };
        string upload = (await RepeatingClient.InitiateMultipartUploadAsync(start, cancellation)).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (long first = 0; first < source.Bytes; first += options.CopyPartBytes)
            {
                var response = await RepeatingClient.CopyPartAsync(CopyPart(source, targetKey, upload, parts.Count + 1, first), cancellation);
                parts.Add(new PartETag(parts.Count + 1, response.ETag));
            }

            var complete = new CompleteMultipartUploadRequest { BucketName = Bucket, Key = FullKey(targetKey), UploadId = upload, PartETags = parts };
            await Client.CompleteMultipartUploadAsync(complete, cancellation);
            return true;
        }
        catch
        {
            var abort = new AbortMultipartUploadRequest { BucketName = Bucket, Key = FullKey(targetKey), UploadId = upload };
            await RepeatingClient.AbortMultipartUploadAsync(abort, CancellationToken.None);
            throw;
        }
    }

    private CopyPartRequest CopyPart(ObjectInfo source, string targetKey, string upload, int number, long first) => new()
    {
        SourceBucket = Bucket,
        SourceKey = FullKey(source.Key),
        DestinationBucket = Bucket,
        DestinationKey = FullKey(targetKey),
        UploadId = upload,
        PartNumber = number,
        FirstByte = first,
        LastByte = Math.Min(first + options.CopyPartBytes, source.Bytes) - 1,
        ETagToMatch = [source.ETag],
    };
}
