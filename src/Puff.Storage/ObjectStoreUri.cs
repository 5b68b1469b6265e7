using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Storage.Azure;
using Puff.Storage.S3;

namespace Puff.Storage;

/// <summary>
/// What --store takes: "memory://", "./folder", "/folder", "file:///folder",
/// "s3://bucket/prefix?endpoint=https://host:port&amp;region=name&amp;path-style=true", "az://container/prefix?account=name&amp;endpoint=https://host".
/// The AWS_… and AZURE_STORAGE_… variables of the environment fill in what the address leaves out.
/// </summary>
public sealed record ObjectStoreUri
{
    private ObjectStoreUri()
    {
    }

    /// <summary>Set for a directory store: the folder as given.</summary>
    public string? Folder { get; private init; }

    /// <summary>Set for an S3 store.</summary>
    public S3StoreOptions? S3 { get; private init; }

    /// <summary>Set for an Azure Blob store.</summary>
    public AzureStoreOptions? Azure { get; private init; }

    public bool IsMemory => Folder is null && S3 is null && Azure is null;

    /// <summary>Throws <see cref="PuffException"/> (Invalid) when the text is not an address of a store.</summary>
    /// <param name="text">The address.</param>
    /// <param name="environment">Looks an environment variable up; null when it is not set.</param>
    public static ObjectStoreUri Parse(string text, Func<string, string?> environment)
    {
        int end = text.IndexOf("://", StringComparison.Ordinal);
        if (end < 0)
        {
            return text.Length > 0 ? new ObjectStoreUri { Folder = text } : throw Fault(text, "it is empty");
        }

        string rest = text[(end + 3)..];
        return text[..end].ToLowerInvariant() switch
        {
            "memory" => rest.Length == 0 ? new ObjectStoreUri() : throw Fault(text, "memory:// takes nothing behind it"),
            "file" => ParseFile(text),
            "s3" => new ObjectStoreUri { S3 = ParseS3(text, rest, environment) },
            "az" => new ObjectStoreUri { Azure = ParseAzure(text, rest, environment) },
            var scheme => throw Fault(text, $"'{scheme}' is no kind of store"),
        };
    }

    /// <summary>
    /// Opens the store. Requests to a cloud store that fail for a passing reason are repeated (<see cref="RetryingObjectStore"/>), and of its objects only the
    /// blocks are fetched that are read (<see cref="ExtentObjectStore"/>).
    /// </summary>
    /// <param name="cacheDirectory">Where a cloud store keeps what it downloads; null for the system's temporary folder.</param>
    /// <param name="time">For waiting between attempts; null for the system's.</param>
    /// <param name="cacheBytes">
    /// How much of what was fetched stays there for later, also over restarts; then no other process may use the folder. 0 for 0.8 of what the disk has free;
    /// null: nothing stays.
    /// </param>
    /// <param name="reading">Limits of reading remote objects, without folder and cache; null for the usual ones.</param>
    /// <param name="cancellation">Stops before anything is changed.</param>
    public async Task<IObjectStore> OpenAsync(
        string? cacheDirectory = null, TimeProvider? time = null, long? cacheBytes = null, ExtentStoreOptions? reading = null,
        CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        bool keeps = cacheDirectory is not null && cacheBytes is not null;
        reading = (reading ?? new ExtentStoreOptions()) with { KeepsBlocks = keeps, CacheBytes = cacheBytes ?? 0 };
        reading = cacheDirectory is null ? reading : reading with { Folder = cacheDirectory };
        if (S3 is not null)
        {
            return Remote(OpenS3(cacheDirectory is null ? S3 : S3 with { CacheDirectory = cacheDirectory }), reading, time);
        }

        if (Azure is not null)
        {
            var azure = cacheDirectory is null ? Azure : Azure with { CacheDirectory = cacheDirectory };
            return Remote(new AzureBlobStore(azure with { Time = time }), reading, time);
        }

        return Folder is null
            ? new MemoryObjectStore(time)
            : await DirectoryObjectStore.OpenAsync(Folder, new DirectoryStoreOptions { Time = time }, cancellation);
    }

    private static ExtentObjectStore Remote(IObjectStore store, ExtentStoreOptions reading, TimeProvider time) =>
        new(new RetryingObjectStore(store, time, Random.Shared), reading, time);

    private static S3ObjectStore OpenS3(S3StoreOptions options)
    {
        try
        {
            return new S3ObjectStore(options);
        }
        catch (Amazon.Runtime.AmazonClientException error)
        {
            throw new PuffException(
                ErrorKind.Invalid,
                $"s3://{options.Bucket} cannot be set up: {error.Message}; set the region (region= in --store, or AWS_REGION) and the keys",
                error);
        }
    }

    private static ObjectStoreUri ParseFile(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length == 0
        ? new ObjectStoreUri { Folder = uri.LocalPath }
        : throw Fault(text, "a file address has three slashes and an absolute path, as in file:///var/lib/puff");

    private static S3StoreOptions ParseS3(string text, string rest, Func<string, string?> environment)
    {
        var (bucket, prefix, settings) = Split(text, rest, "bucket", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        var options = new S3StoreOptions
        {
            Bucket = bucket,
            Prefix = prefix,
            Endpoint = Filled(environment("AWS_ENDPOINT_URL_S3")) ?? Filled(environment("AWS_ENDPOINT_URL")),
            Region = Filled(environment("AWS_REGION")) ?? Filled(environment("AWS_DEFAULT_REGION")),
            AccessKey = Filled(environment("AWS_ACCESS_KEY_ID")),
            SecretKey = Filled(environment("AWS_SECRET_ACCESS_KEY")),
            SessionToken = Filled(environment("AWS_SESSION_TOKEN")),
        };
        return settings.Aggregate(options, (all, setting) => Apply(text, all, setting));
    }

    private static AzureStoreOptions ParseAzure(string text, string rest, Func<string, string?> environment)
    {
        var (container, prefix, settings) = Split(text, rest, "container", "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY");
        var options = new AzureStoreOptions
        {
            Account = Filled(environment("AZURE_STORAGE_ACCOUNT")) ?? "",
            Container = container,
            Prefix = prefix,
            Endpoint = Filled(environment("AZURE_STORAGE_BLOB_ENDPOINT")),
            Key = Filled(environment("AZURE_STORAGE_KEY")),
            SharedAccessSignature = Filled(environment("AZURE_STORAGE_SAS_TOKEN")),
        };
        options = settings.Aggregate(options, (all, setting) => Apply(text, all, setting));
        if (options.Account.Length == 0)
        {
            throw Fault(text, "the account is missing: set account= or AZURE_STORAGE_ACCOUNT");
        }

        return options.Key is null && options.SharedAccessSignature is null
            ? throw Fault(text, "no key was found: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN")
            : options;
    }

    /// <summary>"bucket/prefix?a=b&amp;c=d", where the bucket may not carry keys.</summary>
    private static (string Bucket, string Prefix, string[] Settings) Split(string text, string rest, string bucketWord, string keyVariables)
    {
        int query = rest.IndexOf('?');
        string path = query < 0 ? rest : rest[..query];
        int slash = path.IndexOf('/');
        string bucket = slash < 0 ? path : path[..slash];
        if (bucket.Contains('@'))
        {
            throw PuffException.Invalid($"--store: keys do not belong into the address; set {keyVariables}");
        }

        if (bucket.Length == 0)
        {
            throw Fault(text, $"the {bucketWord} is missing");
        }

        string prefix = slash < 0 ? "" : Uri.UnescapeDataString(path[(slash + 1)..]).Trim('/');
        return (bucket, prefix, query < 0 ? [] : rest[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries));
    }

    private static S3StoreOptions Apply(string text, S3StoreOptions options, string setting)
    {
        var (name, value) = Pair(setting);
        return (name, value) switch
        {
            ("endpoint", _) => options with { Endpoint = Endpoint(text, value) },
            ("region", { Length: > 0 }) => options with { Region = value },
            ("path-style", "true" or "false") => options with { PathStyle = value == "true" },
            ("path-style", _) => throw Fault(text, "path-style= takes true or false"),
            _ => throw Fault(text, $"'{setting}' is no setting; there are endpoint=, region= and path-style="),
        };
    }

    private static AzureStoreOptions Apply(string text, AzureStoreOptions options, string setting)
    {
        var (name, value) = Pair(setting);
        return (name, value) switch
        {
            ("endpoint", _) => options with { Endpoint = Endpoint(text, value) },
            ("account", { Length: > 0 }) => options with { Account = value },
            _ => throw Fault(text, $"'{name}' is no setting; there are account= and endpoint="),
        };
    }

    private static (string Name, string Value) Pair(string setting)
    {
        string[] pair = setting.Split('=', 2);
        return (pair[0], pair.Length == 2 ? Uri.UnescapeDataString(pair[1]) : "");
    }

    private static string Endpoint(string text, string value) => Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
        ? value
        : throw Fault(text, "endpoint= takes an address as in https://host:port");

    private static string? Filled(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static PuffException Fault(string text, string what) => PuffException.Invalid(
        $"'{text}' is no store: {what}. Stores are a folder (./data, /data, file:///data), s3://bucket/prefix?endpoint=…&region=…, "
        + "az://container/prefix?account=…, and memory://");
}
