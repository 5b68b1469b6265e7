using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Puff.Edge.Transport;

/// <summary>Connections within the process: what a socket does, done by two pipes. Stands in Kestrel where its sockets stand.</summary>
internal sealed class PipeListener : IConnectionListenerFactory, IConnectionListener
{
    /// <summary>Bytes under way in one direction before the sender waits.</summary>
    private const int Window = 1 << 20;

    private readonly Channel<ConnectionContext> waiting = Channel.CreateUnbounded<ConnectionContext>();
    private int connections;

    public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

    /// <summary>A new connection; the server accepts it when it comes to it.</summary>
    public ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var options = new PipeOptions(pauseWriterThreshold: Window, resumeWriterThreshold: Window / 2, useSynchronizationContext: false);
        var up = new Pipe(options);
        var down = new Pipe(options);
        var server = new DuplexPipe(up.Reader, down.Writer);
        var client = new DuplexPipe(down.Reader, up.Writer);
        var connection = new DefaultConnectionContext($"pipe-{Interlocked.Increment(ref connections)}", server, client)
        {
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0), RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
        };
        return waiting.Writer.TryWrite(connection)
            ? ValueTask.FromResult<Stream>(new DuplexStream(client))
            : throw new IOException("the server in this process has stopped");
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        EndPoint = endpoint;
        return ValueTask.FromResult<IConnectionListener>(this);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await waiting.Reader.WaitToReadAsync(cancellationToken))
        {
            if (waiting.Reader.TryRead(out ConnectionContext? connection))
            {
                return connection;
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        waiting.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>A pipe pair as the stream that HTTP clients expect.</summary>
    private sealed class DuplexStream(DuplexPipe pipe) : Stream
    {
        private readonly Stream input = pipe.Input.AsStream();
        private readonly Stream output = pipe.Output.AsStream();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            output.WriteAsync(buffer, cancellationToken);

        public override void Flush() => output.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                pipe.Input.Complete();
                pipe.Output.Complete();
            }

            base.Dispose(disposing);
        }
    }
}
