using System.Runtime.InteropServices;

namespace Puff.Edge.Backends.RocksDb;

/// <summary>
/// The functions of RocksDB's C interface (rocksdb/c.h) that are used, over the system's library. Strings that it returns are freed by <see cref="Free"/>.
/// </summary>
internal static unsafe partial class RocksNative
{
    private const string Library = NativeLibraries.RocksDb;

    static RocksNative() => NativeLibraries.Register();

    [LibraryImport(Library, EntryPoint = "rocksdb_options_create")]
    public static partial IntPtr CreateOptions();

    [LibraryImport(Library, EntryPoint = "rocksdb_options_destroy")]
    public static partial void DestroyOptions(IntPtr options);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_create_if_missing")]
    public static partial void SetCreateIfMissing(IntPtr options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_create_missing_column_families")]
    public static partial void SetCreateMissingFamilies(IntPtr options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_enable_blob_files")]
    public static partial void SetBlobFiles(IntPtr options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_min_blob_size")]
    public static partial void SetMinBlobSize(IntPtr options, ulong bytes);

    [LibraryImport(Library, EntryPoint = "rocksdb_list_column_families", StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte** ListFamilies(IntPtr options, string path, out nuint count, out byte* error);

    [LibraryImport(Library, EntryPoint = "rocksdb_list_column_families_destroy")]
    public static partial void DestroyFamilyList(byte** names, nuint count);

    [LibraryImport(Library, EntryPoint = "rocksdb_open_column_families", StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr Open(IntPtr options, string path, int count, IntPtr* names, IntPtr* familyOptions, IntPtr* families, out byte* error);

    [LibraryImport(Library, EntryPoint = "rocksdb_column_family_handle_destroy")]
    public static partial void DestroyFamily(IntPtr family);

    [LibraryImport(Library, EntryPoint = "rocksdb_close")]
    public static partial void Close(IntPtr database);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_create")]
    public static partial IntPtr CreateWriteOptions();

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_destroy")]
    public static partial void DestroyWriteOptions(IntPtr options);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_set_sync")]
    public static partial void SetSync(IntPtr options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_create")]
    public static partial IntPtr CreateBatch();

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_destroy")]
    public static partial void DestroyBatch(IntPtr batch);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_put_cf")]
    public static partial void Put(IntPtr batch, IntPtr family, byte* key, nuint keyLength, byte* value, nuint valueLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_delete_cf")]
    public static partial void Delete(IntPtr batch, IntPtr family, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "rocksdb_write")]
    public static partial void Write(IntPtr database, IntPtr options, IntPtr batch, out byte* error);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_create")]
    public static partial IntPtr CreateReadOptions();

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_destroy")]
    public static partial void DestroyReadOptions(IntPtr options);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_snapshot")]
    public static partial void SetSnapshot(IntPtr options, IntPtr snapshot);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_snapshot")]
    public static partial IntPtr CreateSnapshot(IntPtr database);

    [LibraryImport(Library, EntryPoint = "rocksdb_release_snapshot")]
    public static partial void ReleaseSnapshot(IntPtr database, IntPtr snapshot);

    [LibraryImport(Library, EntryPoint = "rocksdb_get_pinned_cf")]
    public static partial IntPtr Get(IntPtr database, IntPtr options, IntPtr family, byte* key, nuint keyLength, out byte* error);

    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_value")]
    public static partial byte* ValueOf(IntPtr slice, out nuint length);

    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_destroy")]
    public static partial void DestroySlice(IntPtr slice);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_iterator_cf")]
    public static partial IntPtr CreateIterator(IntPtr database, IntPtr options, IntPtr family);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_destroy")]
    public static partial void DestroyIterator(IntPtr iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek_to_first")]
    public static partial void SeekToFirst(IntPtr iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_valid")]
    public static partial byte IsValid(IntPtr iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_next")]
    public static partial void Next(IntPtr iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_key")]
    public static partial byte* KeyOf(IntPtr iterator, out nuint length);

    [LibraryImport(Library, EntryPoint = "rocksdb_free")]
    public static partial void Free(byte* memory);
}
