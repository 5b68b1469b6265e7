using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>
/// Turns the SDK's exceptions into store errors that say what to do. What matters most is what a failed write is known to have done:
/// nothing, when it was turned away (429, SlowDown) or never sent; otherwise nobody knows, and the request may even still be on its way.
/// </summary>
internal static class S3Errors
{
    /// <summary>Whether an exception of the SDK or of the network below it is meant; all else is a defect and passes through.</summary>
    public static bool IsStoreTrouble(Exception error, CancellationToken cancellation) => error switch
    {
        OperationCanceledException => !cancellation.IsCancellationRequested,
        StoreException => false,
        AmazonServiceException or AmazonClientException or BrokenRequestException or HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <param name="error">As thrown.</param>
    /// <param name="doing">As in "GET wal/7".</param>
    /// <param name="store">The store's description.</param>
    /// <param name="isWrite">Whether the request changes something.</param>
    public static StoreException Translate(Exception error, string doing, string store, bool isWrite)
    {
        var (remedy, transient, unknown) = error is AmazonServiceException { StatusCode: not 0 } answer ? Judge(answer) : JudgeSilence(error);
        return new StoreException($"{doing} on {store} failed: {Describe(Unwrap(error))}; {remedy}", transient, isWrite && unknown, Unwrap(error));
    }

    public static bool Is(this AmazonS3Exception error, HttpStatusCode status) => error.StatusCode == status;

    /// <summary>404 for the object itself. A missing bucket is an error, never an absent object.</summary>
    public static bool IsNoSuchKey(this AmazonS3Exception error) => error.StatusCode == HttpStatusCode.NotFound && error.ErrorCode != "NoSuchBucket";

    private static (string Remedy, bool Transient, bool Unknown) Judge(AmazonServiceException answer) => (answer.ErrorCode, (int)answer.StatusCode) switch
    {
        ("NoSuchBucket", _) => ("create the bucket or correct its name in --store", false, false),
        ("InvalidAccessKeyId" or "SignatureDoesNotMatch" or "InvalidToken" or "ExpiredToken", _) =>
            ("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN", false, false),
        ("RequestTimeTooSkewed", _) => ("set this machine's clock", false, false),
        ("AuthorizationHeaderMalformed" or "PermanentRedirect" or "IllegalLocationConstraintException", _) or (_, 301 or 307) =>
            ("the bucket is in another region or at another address: set region= and endpoint= in --store", false, false),
        ("SlowDown" or "TooManyRequests" or "Throttling", _) or (_, 429) => ("the store asks to slow down", true, false),
        ("RequestTimeout", _) or (_, 408) => ("the store waited too long for the request: check the network", true, true),
        ("ConditionalRequestConflict" or "OperationAborted", _) or (_, 409) => ("another write of the same key was under way", true, true),
        (_, 401 or 403) => ("give the key the rights to get, put, delete and list in this bucket, or check the key", false, false),
        (_, >= 500) => ("the store has trouble: try again, look at its state", true, true),
        _ => ("check bucket, endpoint and region in --store", false, false),
    };

    private static (string Remedy, bool Transient, bool Unknown) JudgeSilence(Exception error)
    {
        for (Exception? cause = Unwrap(error); cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError })
            {
                return ("it cannot be reached: check the endpoint and the network", true, false);
            }

            if (cause is HttpRequestException or IOException or TimeoutException or OperationCanceledException)
            {
                return ("the connection broke or timed out: check the network", true, true);
            }
        }

        bool noKeys = error is AmazonClientException && error.Message.Contains("credentials", StringComparison.OrdinalIgnoreCase);
        return noKeys
            ? ("no keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile or an instance role", false, false)
            : ("check the store's address and keys", false, true);
    }

    private static Exception Unwrap(Exception error) => error is BrokenRequestException broken ? broken.Cause : error;

    private static string Describe(Exception error) => error is AmazonServiceException { StatusCode: not 0 } answer
        ? $"HTTP {(int)answer.StatusCode} {answer.ErrorCode}"
        : error.InnerException is { } inner && error.Message != inner.Message ? $"{error.Message} ({inner.Message})" : error.Message;
}
