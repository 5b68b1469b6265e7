using System.Buffers;
using System.Runtime.InteropServices;
using Puff.Edge.Transport;

namespace Puff.Edge.Backends.RocksDb;

/// <summary>An open directory with its column families. Reads are thread-safe; a directory belongs to one process.</summary>
internal sealed unsafe class RocksDatabase : IDisposable
{
    public const string DefaultFamily = "default";

    /// <summary>Larger values live in blob files beside the tree, out of the way of its compactions.</summary>
    private const ulong BlobBytes = 4 << 10;

    private readonly string path;
    private readonly Dictionary<string, IntPtr> families = [];
    private readonly IntPtr options;
    private readonly IntPtr durable;
    private IntPtr handle;

    /// <param name="path">Made when it is not there; its parent must exist.</param>
    /// <param name="wanted">Families that are made when they are not there; families of others stay.</param>
    public RocksDatabase(string path, params string[] wanted)
    {
        this.path = path;
        options = RocksNative.CreateOptions();
        RocksNative.SetCreateIfMissing(options, 1);
        RocksNative.SetCreateMissingFamilies(options, 1);
        RocksNative.SetBlobFiles(options, 1);
        RocksNative.SetMinBlobSize(options, BlobBytes);
        durable = RocksNative.CreateWriteOptions();
        RocksNative.SetSync(durable, 1);
        try
        {
            if (File.Exists(path))
            {
                throw EdgeException.Precondition($"{path} is a file; a RocksDB store is a directory");
            }

            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent && !Directory.Exists(parent))
            {
                throw new EdgeException(GrpcStatus.Unavailable, $"{path} cannot be opened: its folder does not exist");
            }

            Open([.. Existing().Union(wanted)]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IntPtr Handle => handle;

    public IntPtr Family(string name) => families[name];

    /// <summary>Writes a batch, all or nothing, to the disk.</summary>
    public void Write(IntPtr batch)
    {
        RocksNative.Write(handle, durable, batch, out byte* error);
        Check(error);
    }

    public bool TryRead<TState>(IntPtr readOptions, IntPtr family, ReadOnlySpan<byte> key, TState state, ReadOnlySpanAction<byte, TState> read)
    {
        IntPtr slice;
        fixed (byte* start = key)
        {
            slice = RocksNative.Get(handle, readOptions, family, start, (nuint)key.Length, out byte* error);
            Check(error);
        }

        if (slice == IntPtr.Zero)
        {
            return false;
        }

        try
        {
            byte* value = RocksNative.ValueOf(slice, out nuint length);
            read(new ReadOnlySpan<byte>(value, checked((int)length)), state);
            return true;
        }
        finally
        {
            RocksNative.DestroySlice(slice);
        }
    }

    public void Dispose()
    {
        foreach (IntPtr family in families.Values)
        {
            RocksNative.DestroyFamily(family);
        }

        families.Clear();
        if (handle != IntPtr.Zero)
        {
            RocksNative.Close(handle);
            handle = IntPtr.Zero;
            RocksNative.DestroyWriteOptions(durable);
            RocksNative.DestroyOptions(options);
        }
    }

    private List<string> Existing()
    {
        byte** names = RocksNative.ListFamilies(options, path, out nuint count, out byte* error);
        if (error != null)
        {
            // A directory that is not there yet has no families; whatever else is wrong, opening says it better.
            RocksNative.Free(error);
            return [DefaultFamily];
        }

        var found = new List<string>();
        for (nuint index = 0; index < count; index++)
        {
            found.Add(Marshal.PtrToStringUTF8((IntPtr)names[index])!);
        }

        RocksNative.DestroyFamilyList(names, count);
        return found;
    }

    private void Open(string[] names)
    {
        IntPtr[] texts = [.. names.Select(Marshal.StringToCoTaskMemUTF8)];
        IntPtr[] each = [.. names.Select(_ => options)];
        var handles = new IntPtr[names.Length];
        try
        {
            fixed (IntPtr* textStart = texts, optionStart = each, handleStart = handles)
            {
                handle = RocksNative.Open(options, path, names.Length, textStart, optionStart, handleStart, out byte* error);
                Check(error);
            }
        }
        finally
        {
            Array.ForEach(texts, Marshal.FreeCoTaskMem);
        }

        for (int index = 0; index < names.Length; index++)
        {
            families.Add(names[index], handles[index]);
        }
    }

    /// <summary>The status of an error's text: one table for all calls. The text begins with the kind.</summary>
    private void Check(byte* error)
    {
        if (error == null)
        {
            return;
        }

        string text = Marshal.PtrToStringUTF8((IntPtr)error) ?? "unknown error";
        RocksNative.Free(error);
        GrpcStatus status = text switch
        {
            _ when text.Contains("lock", StringComparison.OrdinalIgnoreCase) => GrpcStatus.Unavailable,
            _ when text.Contains("No space", StringComparison.Ordinal) => GrpcStatus.ResourceExhausted,
            _ when text.StartsWith("Corruption", StringComparison.Ordinal) => GrpcStatus.DataLoss,
            _ when text.StartsWith("IO error", StringComparison.Ordinal) => GrpcStatus.Unavailable,
            _ when text.StartsWith("Resource busy", StringComparison.Ordinal) => GrpcStatus.Unavailable,
            _ when text.StartsWith("Invalid argument", StringComparison.Ordinal) => GrpcStatus.FailedPrecondition,
            _ => GrpcStatus.Internal,
        };
        string hint = status == GrpcStatus.Unavailable && text.Contains("lock", StringComparison.OrdinalIgnoreCase)
            ? "; a RocksDB store belongs to one process at a time" : "";
        throw new EdgeException(status, $"{path}: {text}{hint}");
    }
}
