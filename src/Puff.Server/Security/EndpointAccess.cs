using Microsoft.AspNetCore.Http;

namespace Puff.Server.Security;

/// <summary>Metadata of an endpoint: who may call it. Endpoints without it need a key for reading.</summary>
/// <param name="Role">Null: everybody, also without a key.</param>
internal sealed record EndpointAccess(ApiKeyRole? Role)
{
    public static EndpointAccess Everybody { get; } = new((ApiKeyRole?)null);

    public static EndpointAccess Read { get; } = new(ApiKeyRole.Read);

    public static EndpointAccess Write { get; } = new(ApiKeyRole.Write);

    /// <summary>Lets a request pass, or throws what <see cref="KeyRing.Check"/> throws. Runs after routing.</summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate next, KeyRing keys)
    {
        var access = context.GetEndpoint()?.Metadata.GetMetadata<EndpointAccess>() ?? Read;
        if (access.Role is { } role)
        {
            keys.Check(context.Request.Headers.Authorization, role);
        }

        return next(context);
    }
}
