using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.MemoryMappedFiles;

namespace Puff.Workloads.Vectors;

/// <summary>Element types of a matrix file, as numbered in the file.</summary>
internal enum VectorFileType
{
    U8 = 1,
    F16 = 2,
    F32 = 3,
    I32 = 4,
}

/// <summary>
/// A matrix in a file, mapped: "VEC1", u32 element type, u32 rows, u32 columns, then the elements row by row, little-endian. The form of the samples, and
/// the one in which peers get vectors and hand back results.
/// </summary>
internal sealed unsafe class VectorFile : IDisposable
{
    public const int HeaderBytes = 16;

    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    private VectorFile(string path)
    {
        Path = path;
        var content = File.OpenRead(path);
        long length = content.Length;
        file = MemoryMappedFile.CreateFromFile(content, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        (Type, Rows, Columns) = ParseHeader(new ReadOnlySpan<byte>(start, HeaderBytes), path);
        if (length < HeaderBytes + (long)Rows * Columns * BytesOf(Type))
        {
            throw new InvalidDataException($"{path} is shorter than its header says; delete it to have it made again");
        }
    }

    public string Path { get; }

    public VectorFileType Type { get; }

    public int Rows { get; }

    public int Columns { get; }

    public static VectorFile Open(string path) => new(path);

    public float* SingleRow(int row) => (float*)(start + HeaderBytes) + (long)row * Columns;

    public ReadOnlySpan<float> Singles(int row) => new(SingleRow(row), Columns);

    public ReadOnlySpan<int> Integers(int row) => new((int*)(start + HeaderBytes) + (long)row * Columns, Columns);

    public float[] AllSingles() => new ReadOnlySpan<float>(start + HeaderBytes, checked(Rows * Columns)).ToArray();

    public int[] AllIntegers() => new ReadOnlySpan<int>(start + HeaderBytes, checked(Rows * Columns)).ToArray();

    /// <summary>Writes under another name and renames, so that a file that exists is whole.</summary>
    public static void Write(string path, VectorFileType type, int rows, int columns, Action<Stream> writeElements)
    {
        string draft = path + ".draft";
        using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 20))
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            "VEC1"u8.CopyTo(header);
            BinaryPrimitives.WriteInt32LittleEndian(header[4..], (int)type);
            BinaryPrimitives.WriteInt32LittleEndian(header[8..], rows);
            BinaryPrimitives.WriteInt32LittleEndian(header[12..], columns);
            stream.Write(header);
            writeElements(stream);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>The first <paramref name="most"/> rows of a gzipped matrix, widened to singles, as a file of its own.</summary>
    public static void Unpack(string packedPath, string path, int most)
    {
        using var packed = new GZipStream(File.OpenRead(packedPath), CompressionMode.Decompress);
        byte[] header = new byte[HeaderBytes];
        packed.ReadExactly(header);
        var (type, rows, columns) = ParseHeader(header, packedPath);
        rows = Math.Min(rows, most);
        byte[] row = new byte[columns * BytesOf(type)];
        byte[] wide = new byte[columns * sizeof(float)];
        Write(path, VectorFileType.F32, rows, columns, stream =>
        {
            for (int i = 0; i < rows; i++)
            {
                packed.ReadExactly(row);
                for (int c = 0; c < columns; c++)
                {
                    BinaryPrimitives.WriteSingleLittleEndian(wide.AsSpan(c * sizeof(float)), Element(row, type, c));
                }

                stream.Write(wide);
            }
        });
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }

    private static float Element(byte[] row, VectorFileType type, int column) => type switch
    {
        VectorFileType.U8 => row[column],
        VectorFileType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(row.AsSpan(column * 2)),
        VectorFileType.F32 => BinaryPrimitives.ReadSingleLittleEndian(row.AsSpan(column * 4)),
        _ => BinaryPrimitives.ReadInt32LittleEndian(row.AsSpan(column * 4)),
    };

    private static (VectorFileType Type, int Rows, int Columns) ParseHeader(ReadOnlySpan<byte> header, string path)
    {
        var type = (VectorFileType)BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        return header.StartsWith("VEC1"u8) && Enum.IsDefined(type)
            ? (type, BinaryPrimitives.ReadInt32LittleEndian(header[8..]), BinaryPrimitives.ReadInt32LittleEndian(header[12..]))
            : throw new InvalidDataException($"{path} is no VEC1 matrix");
    }

    private static int BytesOf(VectorFileType type) => type switch
    {
        VectorFileType.U8 => 1,
        VectorFileType.F16 => 2,
        _ => 4,
    };
}
