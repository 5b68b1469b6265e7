namespace Puff.Engine.Namespaces;

/// <summary>
/// Keeps the memory behind a state alive: the state holds one reference, each snapshot another. When the last goes, every registered release runs once.
/// Registration is the state's alone and happens under its lock.
/// </summary>
internal sealed class ResourceSet
{
    private readonly List<Action> releases = [];
    private int references = 1;

    public void Add(Action release) => releases.Add(release);

    public void AddReference()
    {
        if (Interlocked.Increment(ref references) <= 1)
        {
            throw new ObjectDisposedException(nameof(ResourceSet));
        }
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref references) == 0)
        {
            foreach (var release in releases)
            {
                release();
            }
        }
    }
}
