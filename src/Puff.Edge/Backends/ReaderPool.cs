using System.Collections.Concurrent;

namespace Puff.Edge.Backends;

/// <summary>Readers that are lent and given back: opening one costs more than a read.</summary>
internal sealed class ReaderPool<TReader>(Func<TReader> create) : IDisposable
    where TReader : class, IDisposable
{
    private readonly ConcurrentBag<TReader> idle = [];
    private bool isDisposed;

    public Lease Rent()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return new Lease(this, idle.TryTake(out TReader? reader) ? reader : create());
    }

    public void Dispose()
    {
        isDisposed = true;
        while (idle.TryTake(out TReader? reader))
        {
            reader.Dispose();
        }
    }

    private void Return(TReader reader)
    {
        if (isDisposed)
        {
            reader.Dispose();
        }
        else
        {
            idle.Add(reader);
        }
    }

    public readonly struct Lease(ReaderPool<TReader> pool, TReader reader) : IDisposable
    {
        public TReader Reader { get; } = reader;

        public void Dispose() => pool.Return(Reader);
    }
}
