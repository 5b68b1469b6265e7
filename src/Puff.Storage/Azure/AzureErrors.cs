using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// Answers and silences of the Blob service as store errors that say what to do. What matters most is what a failed write is known to have done:
/// nothing, when it was refused or never sent; otherwise nobody knows, and the request may even still be on its way.
/// </summary>
internal static class AzureErrors
{
    public static StoreException Answer(AzureAnswer answer, AzureCall call, string store)
    {
        var (remedy, transient, unknown) = Judge(answer.Code, (int)answer.Status);
        string said = $"HTTP {(int)answer.Status}{(answer.Code is null ? "" : " " + answer.Code)}";
        return new StoreException($"{call.Doing} on {store} failed: {said}; {remedy}", transient, call.IsWrite && unknown);
    }

    /// <summary>Whether the same call may succeed later.</summary>
    public static bool IsTransient(AzureAnswer answer) => Judge(answer.Code, (int)answer.Status).Transient;

    public static StoreException Silence(Exception error, AzureCall call, string store)
    {
        bool neverSent = error is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };
        string remedy = neverSent ? "it cannot be reached: check the endpoint and the network" : "the connection broke or timed out: check the network";
        string said = error.InnerException is { } inner && inner.Message != error.Message ? $"{error.Message} ({inner.Message})" : error.Message;
        return new StoreException($"{call.Doing} on {store} failed: {said}; {remedy}", transient: true, call.IsWrite && !neverSent, error);
    }

    private static (string Remedy, bool Transient, bool Unknown) Judge(string? code, int status) => (code, status) switch
    {
        ("ContainerNotFound" or "ResourceNotFound", _) => ("create the container or correct its name in --store", false, false),
        ("ContainerBeingDeleted", _) => ("the container is being deleted: choose another", false, false),
        ("ContainerDisabled" or "AccountIsDisabled", _) => ("enable it in the account's settings", false, false),
        ("AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation", _) =>
            ("check AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY (or AZURE_STORAGE_SAS_TOKEN), and this machine's clock", false, false),
        ("LeaseIdMissing" or "BlobImmutableDueToPolicy", _) =>
            ("remove leases and immutability policies from Puff's blobs: it has to replace and delete", false, false),
        (_, 429) => ("the store asks to slow down", true, false),
        (_, 408) => ("the store waited too long for the request: check the network", true, true),
        (_, 409) => ("something else is under way with the same blob", true, true),
        (_, 401 or 403) =>
            ("check AZURE_STORAGE_KEY, or give AZURE_STORAGE_SAS_TOKEN the rights to read, write, delete and list in this container", false, false),
        (_, >= 500) => ("the store has trouble or asks to slow down: try again, look at its state", true, true),
        _ => ("check account, container and endpoint in --store", false, false),
    };
}
