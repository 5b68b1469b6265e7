using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Puff.Server.Security;

namespace Puff.Server.Turbopuffer;

/// <summary>The endpoint table of turbopuffer-api 1.3.</summary>
internal static class TurbopufferRoutes
{
    public static void MapTurbopuffer(this IEndpointRouteBuilder routes, TurbopufferFacade facade)
    {
        routes.Map("GET", "/v1/namespaces", EndpointAccess.Read, facade.ListAsync);
        routes.Map("POST", "/v2/namespaces/{ns}", EndpointAccess.Write, facade.WriteAsync);
        routes.Map("DELETE", "/v2/namespaces/{ns}", EndpointAccess.Write, facade.DeleteAsync);
        routes.Map("POST", "/v2/namespaces/{ns}/query", EndpointAccess.Read, facade.QueryAsync);
        routes.Map("POST", "/v2/namespaces/{ns}/explain_query", EndpointAccess.Read, facade.ExplainAsync);
        routes.Map("GET", "/v1/namespaces/{ns}/hint_cache_warm", EndpointAccess.Read, facade.HintWarmAsync);
        routes.Map("GET", "/v2/namespaces/{ns}/metadata", EndpointAccess.Read, context => facade.ReadMetadataAsync(context, oldEncryption: false));
        routes.Map("GET", "/v1/namespaces/{ns}/metadata", EndpointAccess.Read, context => facade.ReadMetadataAsync(context, oldEncryption: true));
        routes.Map("PATCH", "/v1/namespaces/{ns}/metadata", EndpointAccess.Write, context => facade.PatchMetadataAsync(context, oldEncryption: true));
        routes.Map("PATCH", "/v2/namespaces/{ns}/metadata", EndpointAccess.Write, context => facade.PatchMetadataAsync(context, oldEncryption: false));
        routes.Map("GET", "/v1/namespaces/{ns}/schema", EndpointAccess.Read, facade.ReadSchemaAsync);
        routes.Map("POST", "/v1/namespaces/{ns}/schema", EndpointAccess.Write, facade.UpdateSchemaAsync);
        routes.Map("POST", "/v1/namespaces/{ns}/_debug/recall", EndpointAccess.Read, facade.RecallAsync);

        routes.Map("GET", "/v1/namespaces/{ns}/_debug/purge_cache", EndpointAccess.Write, facade.PurgeAsync);

        // Older names of the above.
        routes.Map("DELETE", "/v1/namespaces/{ns}", EndpointAccess.Write, facade.DeleteAsync);
        routes.Map("GET", "/v1/namespaces/{ns}/_debug/warm_cache", EndpointAccess.Read, facade.WarmAsync);
    }

    internal static void Map(this IEndpointRouteBuilder routes, string method, string pattern, EndpointAccess access, RequestDelegate handler) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(access);
}
