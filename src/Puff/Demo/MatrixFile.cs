using System.Buffers.Binary;
using System.IO.Compression;

namespace Puff.Demo;

/// <summary>A gzipped matrix of half-precision numbers, read row by row (samples/stackexchange/README.md has the layout).</summary>
internal sealed class MatrixFile : IDisposable
{
    private const int HeaderBytes = 16;
    private const uint HalfPrecision = 2;
    private readonly GZipStream content;
    private readonly byte[] row;

    public MatrixFile(string path)
    {
        content = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        Span<byte> header = stackalloc byte[HeaderBytes];
        content.ReadExactly(header);
        if (!header.StartsWith("VEC1"u8) || BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != HalfPrecision)
        {
            throw new InvalidDataException($"{path} is no VEC1 matrix of half-precision numbers");
        }

        Rows = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        Columns = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        row = new byte[Columns * 2];
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The next row.</summary>
    public float[] Read()
    {
        content.ReadExactly(row);
        var vector = new float[Columns];
        for (int column = 0; column < Columns; column++)
        {
            vector[column] = (float)BinaryPrimitives.ReadHalfLittleEndian(row.AsSpan(column * 2));
        }

        return vector;
    }

    public void Dispose() => content.Dispose();
}
