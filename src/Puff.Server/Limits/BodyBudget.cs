using Puff.Engine;

namespace Puff.Server.Limits;

/// <summary>Bounds the memory that all request bodies in flight hold together.</summary>
internal sealed class BodyBudget(long capacityBytes)
{
    private long usedBytes;

    public long UsedBytes => Interlocked.Read(ref usedBytes);

    /// <summary>Takes the bytes or throws Limited: a client that waits its turn and retries fares better than a server out of memory.</summary>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref usedBytes, bytes) > capacityBytes)
        {
            Interlocked.Add(ref usedBytes, -bytes);
            throw PuffException.Limited($"request bodies in flight fill the {capacityBytes} bytes set aside for them; repeat the request");
        }
    }

    public void Return(long bytes) => Interlocked.Add(ref usedBytes, -bytes);
}
