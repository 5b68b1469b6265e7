namespace Puff.Edge.Backends.RocksDb;

/// <summary>How a reader reads: what is committed now, or a snapshot. Used by one thread at a time.</summary>
internal sealed class RocksSnapshot(RocksDatabase database) : IDisposable
{
    private IntPtr snapshot;

    public IntPtr Options { get; private set; } = RocksNative.CreateReadOptions();

    public void Begin()
    {
        snapshot = RocksNative.CreateSnapshot(database.Handle);
        RocksNative.SetSnapshot(Options, snapshot);
    }

    public void End()
    {
        if (snapshot != IntPtr.Zero)
        {
            RocksNative.SetSnapshot(Options, IntPtr.Zero);
            RocksNative.ReleaseSnapshot(database.Handle, snapshot);
            snapshot = IntPtr.Zero;
        }
    }

    public void Dispose()
    {
        End();
        RocksNative.DestroyReadOptions(Options);
        Options = IntPtr.Zero;
    }
}
