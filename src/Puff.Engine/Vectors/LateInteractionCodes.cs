using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// The codes of all token vectors of a late-interaction attribute in one segment, in the order of documents: those of a document are neighbours. Read, and
/// thereby verified, when first touched. Any number of threads may use it; the segment keeps the memory. Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed unsafe class LateInteractionCodes : IDisposable
{
    private readonly CodesReader reader;
    private readonly float[] centroid;
    private readonly int[] firstSlots;
    private readonly nint[] groupPointers;
    private readonly int groupVectors;

    /// <param name="reader">The codes.</param>
    /// <param name="clusters">Of the same vectors; null when the segment was written without.</param>
    /// <param name="dimensions">Of the attribute.</param>
    /// <param name="documents">Documents of the segment.</param>
    public LateInteractionCodes(CodesReader reader, TokenLists? clusters, int dimensions, int documents)
    {
        this.reader = reader;
        if (!reader.IsFlat || reader.IsAligned || reader.Slots == 0 || CodesFormat.Pad(dimensions) != reader.PaddedDimensions)
        {
            throw new CorruptDataException(
                $"codes of attribute {reader.Attribute} with {reader.Slots} slots of {reader.PaddedDimensions} dimensions are not those of token vectors "
                + $"with {dimensions}");
        }

        groupVectors = GroupVectorsOf(reader);
        groupPointers = new nint[reader.Groups.Length];
        centroid = reader.ReadCentroid();
        firstSlots = FirstSlotsOf(reader, documents);
        Rotation = new RandomRotation(dimensions, reader.RotationSeed);
        Clusters = clusters is null ? null : new TokenClusters(clusters, reader.PaddedDimensions, reader.RotationSeed);
    }

    /// <summary>Null in small segments: their codes are compared one after the other.</summary>
    public TokenClusters? Clusters { get; }

    public RandomRotation Rotation { get; }

    public ulong RotationSeed => reader.RotationSeed;

    public int PaddedDimensions => reader.PaddedDimensions;

    /// <summary>Token vectors of all documents.</summary>
    public int Count => reader.Slots;

    /// <summary>In rotated space.</summary>
    public ReadOnlySpan<float> Centroid => centroid;

    /// <summary>The slot of a document's first vector; that of the next document ends it.</summary>
    /// <param name="document">0 .. documents, the latter being the end of all.</param>
    public int FirstSlot(int document) => firstSlots[document];

    /// <summary>The 1-bit codes of slots 32 × block .. 32 × block + 31.</summary>
    public byte* Block(int block)
    {
        int first = block * CodesFormat.BlockVectors;
        return Find(first / groupVectors, BlockOffset(first), CodesFormat.BlockBytes(PaddedDimensions));
    }

    /// <summary>The 3-bit code of a slot.</summary>
    public byte* Row(int slot)
    {
        int group = slot / groupVectors;
        return Find(group, RowOffset(slot), CodesFormat.RowBytes(PaddedDimensions));
    }

    /// <summary>Adds the 1-bit codes of a document to a batch.</summary>
    public void PlanBlocks(int document, IReadBatch batch)
    {
        int end = firstSlots[document + 1];
        for (int slot = firstSlots[document] & -CodesFormat.BlockVectors; slot < end; slot += CodesFormat.BlockVectors)
        {
            reader.PlanGroup(slot / groupVectors, BlockOffset(slot), CodesFormat.BlockBytes(PaddedDimensions), batch);
        }
    }

    /// <summary>Adds the 3-bit codes of a document to a batch.</summary>
    public void PlanRows(int document, IReadBatch batch)
    {
        for (int slot = firstSlots[document]; slot < firstSlots[document + 1]; slot++)
        {
            reader.PlanGroup(slot / groupVectors, RowOffset(slot), CodesFormat.RowBytes(PaddedDimensions), batch);
        }
    }

    public void Dispose() => Clusters?.Dispose();

    private long BlockOffset(int slot) => slot % groupVectors / CodesFormat.BlockVectors * (long)CodesFormat.BlockBytes(PaddedDimensions);

    private long RowOffset(int slot)
    {
        long rows = CodesFormat.RowsOffset(reader.Groups[slot / groupVectors].Count, PaddedDimensions);
        return rows + (slot % groupVectors * (long)CodesFormat.RowBytes(PaddedDimensions));
    }

    /// <summary>Where everything is in memory, a group is found once; elsewhere what is fetched, and may be evicted, is asked for each time.</summary>
    private byte* Find(int group, long offset, long length)
    {
        if (reader.IsDemandLoaded)
        {
            return reader.ReadGroup(group, offset, length).Pointer;
        }

        nint known = Volatile.Read(ref groupPointers[group]);
        if (known == 0)
        {
            known = (nint)reader.ReadGroup(group).Pointer;
            Volatile.Write(ref groupPointers[group], known);
        }

        return (byte*)known + offset;
    }

    /// <summary>All groups but the last have the same number of full blocks, so that a slot's group is a division away.</summary>
    private static int GroupVectorsOf(CodesReader reader)
    {
        var groups = reader.Groups;
        int each = groups[0].Count;
        for (int i = 0; i < groups.Length; i++)
        {
            bool isLast = i == groups.Length - 1;
            if (isLast ? groups[i].Count > each : groups[i].Count != each || each % CodesFormat.BlockVectors != 0)
            {
                throw new CorruptDataException($"group {i} of attribute {reader.Attribute} has {groups[i].Count} token vectors, the first one {each}");
            }
        }

        return CodesFormat.BlocksOf(each) * CodesFormat.BlockVectors;
    }

    private static int[] FirstSlotsOf(CodesReader reader, int documents)
    {
        var first = new int[documents + 1];
        int next = 0;
        for (int slot = 0; slot < reader.Slots; slot++)
        {
            int document = reader.DocumentOf(slot);
            if (document < next - 1)
            {
                throw new CorruptDataException($"slot {slot} of attribute {reader.Attribute} belongs to document {document}, the one before to a later one");
            }

            while (next <= document)
            {
                first[next++] = slot;
            }
        }

        first.AsSpan(next).Fill(reader.Slots);
        return first;
    }
}
