using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Storage.S3;

namespace Puff.Storage;

/// <summary>
/// What --store takes: "memory://", "./folder", "/folder", "file:///folder",
/// "s3://bucket/prefix?endpoint=https://host:port&amp;region=name&amp;path-style=true".
/// The AWS_… variables of the environment fill in what the address leaves out.
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

    public bool IsMemory => Folder is null && S3 is null;

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
            "az" => throw Fault(text, "Azure Blob Storage is not supported yet; use a folder or an S3 store"),
            var scheme => throw Fault(text, $"'{scheme}' is no kind of store"),
        };
    }

    /// <summary>
    /// Opens the store. Requests to an S3 store that fail for a passing reason are repeated (<see cref="RetryingObjectStore"/>).
    /// </summary>
    /// <param name="cacheDirectory">Where an S3 store keeps what it downloads; null for the system's temporary folder.</param>
    public async Task<IObjectStore> OpenAsync(string? cacheDirectory = null, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        if (S3 is not null)
        {
            return new RetryingObjectStore(OpenS3(cacheDirectory is null ? S3 : S3 with { CacheDirectory = cacheDirectory }), time, Random.Shared);
        }

        return Folder is null
            ? new MemoryObjectStore(time)
            : await DirectoryObjectStore.OpenAsync(Folder, new DirectoryStoreOptions { Time = time }, cancellation);
    }

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
        int query = rest.IndexOf('?');
        string path = query < 0 ? rest : rest[..query];
        int slash = path.IndexOf('/');
        string bucket = slash < 0 ? path : path[..slash];
        if (bucket.Contains('@'))
        {
            throw PuffException.Invalid("--store: keys do not belong into the address; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        }

        if (bucket.Length == 0)
        {
            throw Fault(text, "the bucket is missing");
        }

        var options = new S3StoreOptions
        {
            Bucket = bucket,
            Prefix = slash < 0 ? "" : Uri.UnescapeDataString(path[(slash + 1)..]).Trim('/'),
            Endpoint = Filled(environment("AWS_ENDPOINT_URL_S3")) ?? Filled(environment("AWS_ENDPOINT_URL")),
            Region = Filled(environment("AWS_REGION")) ?? Filled(environment("AWS_DEFAULT_REGION")),
            AccessKey = Filled(environment("AWS_ACCESS_KEY_ID")),
            SecretKey = Filled(environment("AWS_SECRET_ACCESS_KEY")),
            SessionToken = Filled(environment("AWS_SESSION_TOKEN")),
        };
        foreach (string setting in query < 0 ? [] : rest[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            options = Apply(text, options, setting);
        }

        return options;
    }

    private static S3StoreOptions Apply(string text, S3StoreOptions options, string setting)
    {
        string[] pair = setting.Split('=', 2);
        string value = pair.Length == 2 ? Uri.UnescapeDataString(pair[1]) : "";
        return (pair[0], value) switch
        {
            ("endpoint", _) when Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" => options with { Endpoint = value },
            ("endpoint", _) => throw Fault(text, "endpoint= takes an address as in https://host:port"),
            ("region", { Length: > 0 }) => options with { Region = value },
            ("path-style", "true" or "false") => options with { PathStyle = value == "true" },
            ("path-style", _) => throw Fault(text, "path-style= takes true or false"),
            _ => throw Fault(text, $"'{setting}' is no setting; there are endpoint=, region= and path-style="),
        };
    }

    private static string? Filled(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static PuffException Fault(string text, string what) => PuffException.Invalid(
        $"'{text}' is no store: {what}. Stores are a folder (./data, /data, file:///data), s3://bucket/prefix?endpoint=…&region=…, and memory://");
}
