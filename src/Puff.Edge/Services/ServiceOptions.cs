using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <param name="MissingStatus">Of a missing key or id: NotFound, or what a released server on SQLite says.</param>
/// <param name="AllowsSql">Raw SQL on listeners that are not loopback.</param>
internal sealed record ServiceOptions(GrpcStatus MissingStatus = GrpcStatus.NotFound, bool AllowsSql = false);
