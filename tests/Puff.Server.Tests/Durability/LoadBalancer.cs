using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Puff.TestKit.House;

namespace Puff.Server.Tests.Durability;

/// <summary>HAProxy with the documented configuration, its addresses replaced by free ones.</summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    private const string Configuration = "samples/load-balancer/haproxy.cfg";
    private const int FirstDocumentedPort = 8080;

    // A bound for a broken build, not a speed that is asserted.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process process;

    private LoadBalancer(Process process, string url)
    {
        this.process = process;
        Url = url;
    }

    public string Url { get; }

    /// <summary>Ports that are free now.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        Array.ForEach(listeners, listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }

    /// <summary>Starts it and waits until a request gets through.</summary>
    /// <param name="folder">For its configuration.</param>
    /// <param name="nodes">Ports of the three nodes.</param>
    /// <param name="http">Asks.</param>
    public static async Task<LoadBalancer> StartAsync(string folder, int[] nodes, HttpClient http)
    {
        int[] ports = [.. FreePorts(1), .. nodes];
        string text = await File.ReadAllTextAsync(Repository.Resolve(Configuration));
        for (int i = 0; i < ports.Length; i++)
        {
            string documented = $"127.0.0.1:{FirstDocumentedPort + i}\n";
            text = text.Contains(documented, StringComparison.Ordinal)
                ? text.Replace(documented, $"127.0.0.1:{ports[i]}\n", StringComparison.Ordinal)
                : throw new InvalidOperationException($"{Configuration} has no line that ends in {documented}");
        }

        string path = Path.Combine(folder, "haproxy.cfg");
        await File.WriteAllTextAsync(path, text);
        var balancer = new LoadBalancer(Start(path), $"http://127.0.0.1:{ports[0]}");
        await balancer.UntilReadyAsync(http);
        return balancer;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static Process Start(string path)
    {
        try
        {
            // In the foreground: it ends with this test.
            return Process.Start(new ProcessStartInfo("haproxy", ["-db", "-f", path]) { RedirectStandardError = true })!;
        }
        catch (Win32Exception absent)
        {
            throw new InvalidOperationException("this test needs HAProxy: apt-get install haproxy, or ./test, which does", absent);
        }
    }

    private async Task UntilReadyAsync(HttpClient http)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(Url + "/v1/ready", patience.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet, or never.
                if (process.HasExited)
                {
                    throw new InvalidOperationException($"HAProxy ended: {await process.StandardError.ReadToEndAsync(patience.Token)}");
                }
            }

            await Task.Delay(50, patience.Token);
        }
    }
}
