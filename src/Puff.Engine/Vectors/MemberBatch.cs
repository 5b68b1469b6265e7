using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Some vectors of a source in rotated space, as many at a time as fit a buffer. If all of them fit, each is read and rotated only once. Any number of
/// threads may read the rows of a batch.
/// </summary>
internal sealed unsafe class MemberBatch : IDisposable
{
    private const int RowsPerItem = 512;

    private readonly IVectorSource source;
    private readonly RandomRotation rotation;
    private readonly int[] members;
    private readonly int threads;
    private readonly FloatBuffer rows;
    private readonly bool[] usable;
    private int start = -1;

    /// <param name="members">Numbers of the vectors.</param>
    /// <param name="bufferBytes">About as many bytes are allocated, at most.</param>
    /// <param name="threads">That read.</param>
    public MemberBatch(IVectorSource source, RandomRotation rotation, int[] members, long bufferBytes, int threads)
    {
        this.source = source;
        this.rotation = rotation;
        this.members = members;
        this.threads = threads;
        long fitting = bufferBytes / (rotation.PaddedDimensions * sizeof(float));
        Capacity = (int)Math.Min(members.Length, Math.Max(fitting, RowsPerItem));
        rows = new FloatBuffer((long)Capacity * rotation.PaddedDimensions);
        usable = new bool[Capacity];
    }

    /// <summary>All vectors.</summary>
    public int Count => members.Length;

    /// <summary>Vectors of a batch; the last may have fewer.</summary>
    public int Capacity { get; }

    /// <summary>Vectors of the present batch.</summary>
    public int Length { get; private set; }

    /// <summary>A vector of the present batch, by its position there.</summary>
    public float* Row(int index) => rows.Pointer + (long)index * rotation.PaddedDimensions;

    /// <summary>False for a vector whose norm tells nothing (see <see cref="RotatedReader"/>): it reads as zeros.</summary>
    public bool IsUsable(int index) => usable[index];

    /// <summary>Reads the batch that begins with a position among all.</summary>
    public void MoveTo(int first)
    {
        if (first == start)
        {
            return;
        }

        start = first;
        Length = Math.Min(Capacity, Count - first);
        ForEachItem(Length, (reader, i) => usable[i] = reader.Read(members[first + i], Row(i)));
    }

    /// <summary>Copies the first coordinates of chosen vectors.</summary>
    /// <param name="positions">Among all.</param>
    /// <param name="coordinates">How many of each.</param>
    /// <param name="destination">Receives them one vector after the other.</param>
    /// <param name="areUsable">Receives whether each is of use.</param>
    public void ReadSome(int[] positions, int coordinates, float* destination, bool[] areUsable)
    {
        if (Capacity == Count)
        {
            MoveTo(0);
            for (int i = 0; i < positions.Length; i++)
            {
                areUsable[i] = usable[positions[i]];
                Copy(Row(positions[i]), destination + (long)i * coordinates, coordinates);
            }

            return;
        }

        ForEachItem(positions.Length, (reader, i) =>
        {
            areUsable[i] = reader.Read(members[positions[i]]);
            Copy(reader.Rotated, destination + (long)i * coordinates, coordinates);
        });
    }

    public void Dispose() => rows.Dispose();

    private static void Copy(float* from, float* to, int count) => new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));

    private void ForEachItem(int count, Action<RotatedReader, int> read) =>
        WorkerLoop.Run(
            (count + RowsPerItem - 1) / RowsPerItem,
            threads,
            () => new RotatedReader(source, rotation),
            (item, reader) =>
            {
                for (int i = item * RowsPerItem; i < Math.Min(count, (item + 1) * RowsPerItem); i++)
                {
                    read(reader, i);
                }
            });
}
