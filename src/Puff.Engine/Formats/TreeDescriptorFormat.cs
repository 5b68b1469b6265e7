using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Trees and references to them as a manifest has them.</summary>
internal static class TreeDescriptorFormat
{
    public static void WriteList(ByteWriter writer, IReadOnlyList<TreeDescriptor> trees)
    {
        writer.Varint((ulong)trees.Count);
        foreach (var tree in trees)
        {
            writer.UInt64(tree.Id);
            writer.Varint((ulong)tree.Attribute);
            writer.Varint((ulong)tree.TrainedOn);
            writer.Varint((ulong)tree.ProbesWhenTrained);
            writer.Varint((ulong)tree.Parts.Count);
            foreach (var part in tree.Parts)
            {
                writer.Text(part.Key);
                writer.Varint((ulong)part.FirstNode);
                writer.Varint((ulong)part.Nodes);
                writer.Varint((ulong)part.Bytes);
            }

            writer.Varint((ulong)tree.Calibration.Count);
            foreach (var setting in tree.Calibration)
            {
                writer.UInt32(BitConverter.SingleToUInt32Bits(setting.Selectivity));
                writer.UInt32(BitConverter.SingleToUInt32Bits(setting.Recall));
                writer.Varint((ulong)setting.Probes);
            }
        }
    }

    public static List<TreeDescriptor> ReadList(ref ByteReader reader)
    {
        int count = reader.Count(13);
        var trees = new List<TreeDescriptor>(count);
        for (int i = 0; i < count; i++)
        {
            ulong id = reader.UInt64();
            int attribute = reader.Int32Varint();
            int trainedOn = reader.Int32Varint();
            int probes = reader.Int32Varint();
            var tree = new TreeDescriptor
            {
                Id = id,
                Attribute = attribute,
                TrainedOn = trainedOn,
                ProbesWhenTrained = probes,
                Parts = ReadParts(ref reader, id),
                Calibration = ReadCalibration(ref reader, id),
            };
            if (id == 0 || attribute == 0 || trees.Exists(t => t.Id == id))
            {
                throw new CorruptDataException($"tree {id:x16} of attribute {attribute} has no number, or comes twice");
            }

            trees.Add(tree);
        }

        return trees;
    }

    public static void WriteReferences(ByteWriter writer, IReadOnlyList<SegmentTree> references)
    {
        writer.Varint((ulong)references.Count);
        foreach (var reference in references)
        {
            writer.Varint((ulong)reference.Attribute);
            writer.UInt64(reference.TreeId);
        }
    }

    public static List<SegmentTree> ReadReferences(ref ByteReader reader)
    {
        int count = reader.Count(9);
        var references = new List<SegmentTree>(count);
        for (int i = 0; i < count; i++)
        {
            var reference = new SegmentTree(reader.Int32Varint(), reader.UInt64());
            if (reference.Attribute == 0 || references.Exists(r => r.Attribute == reference.Attribute))
            {
                throw new CorruptDataException($"a segment names attribute {reference.Attribute} twice, or none");
            }

            references.Add(reference);
        }

        return references;
    }

    /// <summary>Every tree a segment names must be listed, for the same attribute, and every tree listed must be named.</summary>
    public static void CheckReferences(IReadOnlyList<SegmentDescriptor> segments, IReadOnlyList<TreeDescriptor> trees)
    {
        var listed = trees.Select(t => new SegmentTree(t.Attribute, t.Id)).ToHashSet();
        var named = segments.SelectMany(s => s.Trees).Where(t => t.TreeId != 0).ToHashSet();
        if (!listed.SetEquals(named))
        {
            throw new CorruptDataException($"{listed.Count} trees are listed, and segments name {named.Count} others");
        }
    }

    private static List<TreePart> ReadParts(ref ByteReader reader, ulong id)
    {
        int count = reader.Count(4);
        var parts = new List<TreePart>(count);
        long next = 0;
        for (int i = 0; i < count; i++)
        {
            var part = new TreePart(reader.Text(), reader.Int32Varint(), reader.Int32Varint(), reader.Int64Varint());
            if (part.FirstNode != next || part.Nodes == 0)
            {
                throw new CorruptDataException($"an object of tree {id:x16} has {part.Nodes} nodes from {part.FirstNode}, not from {next}");
            }

            next += part.Nodes;
            parts.Add(part);
        }

        return count > 0 && next <= int.MaxValue ? parts : throw new CorruptDataException($"tree {id:x16} has {next} nodes");
    }

    private static List<ProbeSetting> ReadCalibration(ref ByteReader reader, ulong id)
    {
        int count = reader.Count(9);
        var settings = new List<ProbeSetting>(count);
        for (int i = 0; i < count; i++)
        {
            var setting = new ProbeSetting(ReadShare(ref reader), ReadShare(ref reader), reader.Int32Varint());
            settings.Add(setting.Probes > 0 ? setting : throw new CorruptDataException($"tree {id:x16} is calibrated to no probes"));
        }

        return settings;
    }

    private static float ReadShare(ref ByteReader reader)
    {
        float share = BitConverter.UInt32BitsToSingle(reader.UInt32());
        return share is > 0 and <= 1 ? share : throw new CorruptDataException($"{share} is no share");
    }
}
