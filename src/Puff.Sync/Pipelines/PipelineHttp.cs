using System.Net;
using System.Text;

namespace Puff.Sync.Pipelines;

/// <summary>Health, metrics and status of a running pipeline over HTTP, for whoever watches it: nothing can be changed through it.</summary>
internal sealed class PipelineHttp : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly PipelineStatus status;
    private readonly Task serving;

    private PipelineHttp(string address, PipelineStatus status)
    {
        this.status = status;
        listener.Prefixes.Add($"http://{address}/");
        listener.Start();
        serving = ServeAsync();
    }

    /// <summary>Null for an empty address. An address in use is told and does not stop the pipeline.</summary>
    public static PipelineHttp? Start(string address, Pipeline pipeline, TimeProvider time, PipelineEvents events)
    {
        if (address.Length == 0)
        {
            return null;
        }

        try
        {
            return new PipelineHttp(address, new PipelineStatus(pipeline, time));
        }
        catch (HttpListenerException failure)
        {
            events.Warn("http_unavailable", null, $"{address}: {failure.Message}");
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await serving;
        listener.Close();
    }

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext call;
            try
            {
                call = await listener.GetContextAsync();
            }
            catch (Exception stopped) when (stopped is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }

            try
            {
                (int code, string type, string body) = Answer(call.Request.Url?.AbsolutePath ?? "/");
                byte[] bytes = Encoding.UTF8.GetBytes(body);
                (call.Response.StatusCode, call.Response.ContentType, call.Response.ContentLength64) = (code, type, bytes.Length);
                await call.Response.OutputStream.WriteAsync(bytes);
                call.Response.Close();
            }
            catch (Exception gone) when (gone is HttpListenerException or IOException or ObjectDisposedException)
            {
                // Whoever asked has left.
            }
        }
    }

    private (int Code, string Type, string Body) Answer(string path) => path switch
    {
        "/healthz" => (200, "text/plain", "ok\n"),
        "/readyz" => status.IsReady ? (200, "text/plain", "ready\n") : (503, "text/plain", "not ready\n"),
        "/metrics" => (200, "text/plain; version=0.0.4", status.Metrics()),
        "/status" => (200, "application/json", status.ToJson().ToJsonString()),
        _ => (404, "text/plain", "there are /healthz, /readyz, /metrics and /status\n"),
    };
}
