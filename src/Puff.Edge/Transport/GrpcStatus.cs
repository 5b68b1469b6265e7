namespace Puff.Edge.Transport;

/// <summary>The status codes of gRPC; the numbers are the protocol's.</summary>
public enum GrpcStatus
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>Ends a call with a status: the one exception of the edge store.</summary>
public sealed class EdgeException(GrpcStatus status, string message, Exception? inner = null) : Exception(message, inner)
{
    public GrpcStatus Status { get; } = status;

    internal static EdgeException NotFound(string message) => new(GrpcStatus.NotFound, message);

    internal static EdgeException Invalid(string message) => new(GrpcStatus.InvalidArgument, message);

    internal static EdgeException Precondition(string message) => new(GrpcStatus.FailedPrecondition, message);

    internal static EdgeException Internal(string message) => new(GrpcStatus.Internal, message);
}
