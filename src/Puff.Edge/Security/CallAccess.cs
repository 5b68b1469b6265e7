using Puff.Edge.Transport;

namespace Puff.Edge.Security;

/// <summary>Whether a call may be made.</summary>
/// <param name="tokens">Null lets everybody call.</param>
internal sealed class CallAccess(TokenFile? tokens)
{
    /// <summary>What a token that only reads may call. Raw SQL is not among them: a Query may be a statement that writes.</summary>
    private static readonly HashSet<string> Reading =
        ["Get", "GetMany", "Eq", "NotEq", "EqData", "NotEqData", "BeginTransaction", "CommitTransaction", "RollbackTransaction"];

    /// <summary>Why a call is refused, or null. Health is everybody's: who watches a server has no token.</summary>
    public EdgeException? Refuse(string path, string? authorization)
    {
        if (tokens is null || path.StartsWith("/grpc.health.", StringComparison.Ordinal))
        {
            return null;
        }

        return tokens.RightOf(authorization) switch
        {
            TokenRight.Write => null,
            TokenRight.Read when Reading.Contains(path[(path.LastIndexOf('/') + 1)..]) => null,
            TokenRight.Read => new EdgeException(GrpcStatus.PermissionDenied, $"this token may only read; {path} may write"),
            _ => new EdgeException(GrpcStatus.Unauthenticated, "a token is needed: metadata \"authorization: Bearer TOKEN\""),
        };
    }
}
