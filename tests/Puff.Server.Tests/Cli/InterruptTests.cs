using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>Ctrl+C while a client verb waits.</summary>
public sealed class InterruptTests
{
    [Fact]
    public async Task A_client_verb_that_is_interrupted_says_so_by_its_exit_code()
    {
        // A server that accepts and never answers: once the request has come in, the verb is waiting.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using PuffProcess verb = PuffProcess.Begin(Path.GetTempPath(), "ls", "--url", $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}");
        using Socket connection = await silent.AcceptSocketAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await connection.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken));

        Assert.Equal(130, await verb.SignalAsync("INT"));
        Assert.Contains("interrupted", verb.Messages, StringComparison.Ordinal);
    }
}
