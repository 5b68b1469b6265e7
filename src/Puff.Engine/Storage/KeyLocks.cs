namespace Puff.Engine.Storage;

/// <summary>
/// Locks that make "compare the ETag, then rename" one step, among threads and among processes. A key's hash picks one of a few stripes; a stripe is
/// an asynchronous lock for this store and an advisory lock (flock) on a small file for other stores on the same folder. The files are never removed:
/// a process that locked a removed file would exclude nobody.
/// </summary>
internal sealed class KeyLocks : IDisposable
{
    private const int StripeCount = 64;

    private readonly Stripe[] stripes;
    private readonly DirectoryStoreOptions options;

    public KeyLocks(string folder, DirectoryStoreOptions options)
    {
        this.options = options;
        stripes = [.. Enumerable.Range(0, StripeCount).Select(i => new Stripe($"{folder}/{i:x2}"))];
    }

    /// <summary>Waits for the key's lock; disposing the result releases it.</summary>
    public async ValueTask<Holder> TakeAsync(string key, CancellationToken cancellation)
    {
        var stripe = stripes[Hash(key) % StripeCount];
        await stripe.Gate.WaitAsync(cancellation);
        try
        {
            await LockFileAsync(stripe, cancellation);
            return new Holder(stripe);
        }
        catch
        {
            stripe.Gate.Release();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var stripe in stripes)
        {
            stripe.Dispose();
        }
    }

    /// <summary>Asks again and again rather than wait inside the kernel: a stopped process that holds the lock must not take an I/O thread with it.</summary>
    private async ValueTask LockFileAsync(Stripe stripe, CancellationToken cancellation)
    {
        long start = options.Time.GetTimestamp();
        int result;
        while ((result = Posix.TryLock(stripe.Open())) == -Posix.EAgain)
        {
            if (options.Time.GetElapsedTime(start) > options.LockTimeout)
            {
                throw new StoreException(
                    $"another process has held the lock {stripe.Path} for more than {options.LockTimeout.TotalSeconds:0} s; "
                    + "see whether a Puff process is stopped or hung",
                    transient: true,
                    outcomeUnknown: false);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1), options.Time, cancellation);
        }

        if (result < 0)
        {
            throw FileErrors.Create(-result, "locking", stripe.Path);
        }
    }

    /// <summary>FNV-1a over UTF-16 units: every process must pick the same stripe, which string.GetHashCode does not promise.</summary>
    private static uint Hash(string key)
    {
        uint hash = 2166136261;
        foreach (char c in key)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }

    public readonly struct Holder(Stripe stripe) : IDisposable
    {
        public void Dispose()
        {
            stripe.Unlock();
            stripe.Gate.Release();
        }
    }

    public sealed class Stripe(string path) : IDisposable
    {
        private int file = -1;

        public string Path => path;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        /// <summary>The lock file, opened when first needed and then kept: the lock belongs to this opening of it. Called under <see cref="Gate"/>.</summary>
        public int Open()
        {
            if (file < 0)
            {
                int opened = Posix.Open(path, Posix.ReadWriteCreate);
                file = opened >= 0 ? opened : throw FileErrors.Create(-opened, "opening", path);
            }

            return file;
        }

        public void Unlock() => Posix.Unlock(file);

        public void Dispose()
        {
            Gate.Dispose();
            if (file >= 0)
            {
                Posix.Close(file);
                file = -1;
            }
        }
    }
}
