namespace Puff.Storage.Azure;

/// <summary>Where an Azure Blob container is and how to sign in: with the account's key, or with a shared access signature.</summary>
public sealed record AzureStoreOptions
{
    public required string Account { get; init; }

    public required string Container { get; init; }

    /// <summary>Put before every key, with a '/' between; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The Blob service's address, for other clouds and emulators, as in "http://127.0.0.1:10000/account"; null for the public cloud.</summary>
    public string? Endpoint { get; init; }

    /// <summary>One of the account's two keys, in base64.</summary>
    public string? Key { get; init; }

    /// <summary>A shared access signature, a query string with or without its '?'; used when there is no <see cref="Key"/>.</summary>
    public string? SharedAccessSignature { get; init; }

    /// <summary>A request with a body of more than 1 MiB without an answer for this long has failed, and so has an answer that stops.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same for the beginning of the answer to any other request: a node cut off from its store is to say so soon.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where mapped objects are downloaded to; the files have no names and vanish with the process.</summary>
    public string CacheDirectory { get; init; } = Path.GetTempPath();

    internal TimeProvider Time { get; init; } = TimeProvider.System;
}
