using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.TestKit.Segments;

namespace Puff.Engine.Tests.Formats;

/// <summary>Small parts `codes` with known content, always the same: two attributes, one grouped and aligned, one flat with a document for every slot.</summary>
internal static class CodesSamples
{
    public const int Documents = 80;
    public const int Padded = 64;
    public const int GroupedAttribute = 3;
    public const int FlatAttribute = 9;
    public const int AbsentAttribute = 4;

    public static CodesHeader Grouped => new(0xABCDEF, 7, Padded, IsAligned: true);

    public static CodesHeader Flat => new(0, 8, Padded, IsAligned: false);

    /// <summary>Node and members of each group of the grouped attribute.</summary>
    public static (int Node, int Count)[] Groups => [(4, 33), (1, 1), (7, 32), (0, 5)];

    public static int[] FlatDocuments => [.. Enumerable.Range(0, 40).Select(i => i * 7 % Documents)];

    public static float[] Centroid => [.. Enumerable.Range(0, Padded).Select(i => i / 8f - 3)];

    public static unsafe byte[] Write()
    {
        using var part = new PartEncoder(PartKind.Codes);
        using (var grouped = new CodesEncoder(part, GroupedAttribute, Grouped))
        {
            foreach (var (node, count) in Groups)
            {
                Fill(grouped.Locate(grouped.AddGroup(node, count)), node, count);
            }

            grouped.Finish([]);
        }

        using (var flat = new CodesEncoder(part, FlatAttribute, Flat))
        {
            Fill(flat.Locate(flat.AddGroup(0, FlatDocuments.Length)), 0, FlatDocuments.Length);
            Array.ForEach(FlatDocuments, flat.AddDocument);
            flat.Finish(Centroid);
        }

        part.Finish(Documents);
        return part.Buffer.Written.AsSpan().ToArray();
    }

    /// <summary>The content of a group.</summary>
    public static byte[] ContentOf(int node, int count)
    {
        byte[] content = new byte[CodesFormat.BytesOf(count, Padded)];
        var random = new Xorshift(node + 1);
        return Array.ConvertAll(content, _ => (byte)random.Next(256));
    }

    /// <summary>Everything a reader says, as text.</summary>
    public static string Text(CodesReader? codes)
    {
        if (codes is null)
        {
            return "none";
        }

        var text = new System.Text.StringBuilder();
        text.Append($"{codes.TreeId:x} {codes.RotationSeed} {codes.PaddedDimensions} {codes.IsAligned} {codes.IsFlat} {codes.Slots}\n");
        for (int group = 0; group < codes.Groups.Length; group++)
        {
            text.Append($"{codes.Groups[group]} {Crc32C.Compute(codes.ReadGroup(group).AsSpan()):x}\n");
        }

        text.AppendJoin(' ', Enumerable.Range(0, codes.Slots).Select(codes.DocumentOf));
        text.AppendJoin(' ', codes.IsFlat ? codes.ReadCentroid() : []);
        return text.ToString();
    }

    private static unsafe void Fill(byte* target, int node, int count) =>
        ContentOf(node, count).CopyTo(new Span<byte>(target, (int)CodesFormat.BytesOf(count, Padded)));
}
