using Google.Protobuf;
using Puff.Edge.Protos.Health;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>The standard health service: the empty name is the whole server.</summary>
internal sealed class HealthService(IReadOnlySet<string> services)
{
    public async Task CheckAsync(GrpcCall call)
    {
        HealthCheckRequest request = await TransactionService.ReadOneAsync(call, HealthCheckRequest.Parser);
        if (!IsKnown(request))
        {
            throw EdgeException.NotFound($"this server has no service {request.Service}");
        }

        call.Write(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving }.ToByteArray());
    }

    /// <summary>Tells the state now, and again when it changes: when the server stops, the call ends.</summary>
    public async Task WatchAsync(GrpcCall call)
    {
        HealthCheckRequest request = await TransactionService.ReadOneAsync(call, HealthCheckRequest.Parser);
        var status = IsKnown(request) ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.ServiceUnknown;
        call.Write(new HealthCheckResponse { Status = status }.ToByteArray());
        await call.FlushAsync();
        await Task.Delay(Timeout.Infinite, call.Cancellation);
    }

    private bool IsKnown(HealthCheckRequest request) => request.Service.Length == 0 || services.Contains(request.Service);
}
