namespace Puff.Storage.S3;

/// <summary>Where an S3 store is and how to sign in.</summary>
public sealed record S3StoreOptions
{
    public required string Bucket { get; init; }

    /// <summary>Put before every key, with a '/' between; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>For S3-compatible servers, as in "http://127.0.0.1:9000"; null for AWS.</summary>
    public string? Endpoint { get; init; }

    /// <summary>As in "eu-central-1"; null asks the AWS SDK's usual sources, or is "us-east-1" with an <see cref="Endpoint"/>.</summary>
    public string? Region { get; init; }

    /// <summary>Null asks the AWS SDK's usual sources (environment, profile, instance role).</summary>
    public string? AccessKey { get; init; }

    public string? SecretKey { get; init; }

    /// <summary>Only with temporary keys.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Bucket in the path, not in the host name. Null: with an <see cref="Endpoint"/> yes, on AWS no.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>A request with a body of more than 1 MiB that has no answer after this long has failed, and so has an answer that has not come whole.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same for the beginning of the answer to any other request: a node cut off from its store is to say so soon.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where mapped objects are downloaded to; the files have no names and vanish with the process.</summary>
    public string CacheDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Objects longer than this are copied in parts; the service allows 5 GiB at most.</summary>
    internal long SingleCopyBytes { get; init; } = 5L << 30;

    /// <summary>Length of the parts of a copy.</summary>
    internal long CopyPartBytes { get; init; } = 1L << 30;
}
