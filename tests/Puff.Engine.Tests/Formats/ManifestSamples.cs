using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Formats;

namespace Puff.Engine.Tests.Formats;

/// <summary>Manifests that use everything the format can say, always the same.</summary>
internal static class ManifestSamples
{
    public static Manifest Full => new()
    {
        Epoch = 0xFEDCBA9876543210,
        Version = 77,
        PublishId = new UInt128(0x0102030405060708, 0x090A0B0C0D0E0F10),
        BornLive = true,
        CreatedAtMs = 1_700_000_000_001,
        LastWriteAtMs = 1_700_000_000_002,
        UpdatedAtMs = 1_700_000_000_003,
        Schema = SampleSchema.Of(IdKind.String),
        Options = new NamespaceOptions { PinnedReplicas = 3, ReadOnly = true, Shards = 4 },
        Parent = "mother",
        IndexedThrough = 1_000_000_007,
        InheritedTails = [new InheritedTail("mother", 5, 1, 3), new InheritedTail("grandmother", ulong.MaxValue, 12, 12)],
        Segments =
        [
            new SegmentDescriptor
            {
                KeyBase = "puff/ns/mother/seg/a1", Documents = 1_000_000, LogicalBytes = 5_000_000_000, DeletesVersion = 3,
                DeletesKey = "puff/ns/child/seg/a1.del.3.00000000000000ff", Deleted = 300,
                Parts = [new SegmentPart("rows", 5_000_000_000), new SegmentPart("ids", 1), new SegmentPart("columns", 300)],
            },
            new SegmentDescriptor { KeyBase = "puff/ns/child/seg/b2", Documents = 0, LogicalBytes = 0, Parts = [] },
        ],
        Retired = [new RetiredObject("puff/ns/child/seg/old.rows", 1_700_000_000_000)],
        Trims = [new TrimMark(5, 1_600_000_000_000), new TrimMark(1_000_000_007, 1_600_000_000_001)],
        PinsHeld = ["puff/ns/mother/pin/child.0000000000000001"],
    };

    /// <summary>The same with trees, which version 2 of the format brought.</summary>
    public static Manifest WithTrees => Full with
    {
        Segments = [Full.Segments[0] with { Trees = [new SegmentTree(3, 0xABCDEF), new SegmentTree(9, 0)] }, Full.Segments[1]],
        Trees =
        [
            new TreeDescriptor
            {
                Id = 0xABCDEF, Attribute = 3, TrainedOn = 900_000, ProbesWhenTrained = 17,
                Parts =
                [
                    new TreePart("puff/ns/mother/tree/0000000000abcdef.0000000000.0000000000000001", 0, 8_000, 12_000_000),
                    new TreePart("puff/ns/child/tree/0000000000abcdef.0000008000.0000000000000002", 8_000, 2, 3_000),
                ],
                Calibration = [new ProbeSetting(1, 0.97f, 30), new ProbeSetting(0.01f, 0.9f, 400)],
            },
        ],
    };

    /// <summary>The same with a tree that was trained in place of a poor one, which version 5 brought.</summary>
    public static Manifest WithRebuilds => WithTrees with { Trees = [.. WithTrees.Trees.Select(t => t with { Rebuilds = 2 })] };

    /// <summary>The same with what version 3 brought: the history, and short forms of what was given up.</summary>
    public static Manifest WithHistory => WithTrees with
    {
        IndexedAtMs = 1_700_000_000_002,
        IndexedBytes = 7_000_000_000,
        CopiedThrough = 1_000_000_009,
        History = new HistoryLink(0xFEDCBA9876543210, 71, 999_000_000, 1_699_999_999_000, 6_000_000_000),
        Retired =
        [
            new RetiredObject("puff/ns/child/seg/a1.", 1_700_000_000_000),
            new RetiredObject("puff/ns/child/seg/b2.del.", 1_700_000_000_001, 4),
            new RetiredObject("puff/ns/child/seg/b2.del.", 1_700_000_100_000, 9),
            new RetiredObject("puff/ns/child/tree/0000000000abcdef.0000000000.0000000000000009", 0),
        ],
    };

    /// <summary>The same with what version 4 brought: tokens of feeders, and whose entries bring theirs along.</summary>
    public static Manifest WithTokens => WithHistory with
    {
        Tokens = [new NamespaceToken("default/posts/1", "00000000016B3748/00000007", "{\"cursor\":[\"5\"]}"), new NamespaceToken("ü", "", null)],
        TokenEpochs = [5, ulong.MaxValue],
    };

    /// <summary>A namespace that was just created.</summary>
    public static Manifest New => new() { Epoch = 1, CreatedAtMs = 1_700_000_000_000 };

    /// <summary>What a deleted namespace leaves.</summary>
    public static Manifest Ended => new() { Epoch = 2, Version = 3, Deleted = true, IndexedThrough = 9, Trims = [new TrimMark(9, 1)] };

    public static byte[] Write(Manifest manifest)
    {
        using var writer = new ByteWriter();
        ManifestFormat.Write(writer, manifest);
        return writer.Written.AsSpan().ToArray();
    }

    /// <summary>Everything about a manifest as text.</summary>
    public static string Text(Manifest m) => string.Join('\n', new[]
    {
        $"{m.Epoch} {m.Version} {m.PublishId} {m.Deleted} {m.BornLive} {m.CreatedAtMs} {m.LastWriteAtMs} {m.UpdatedAtMs} {m.IndexedThrough} {m.Parent}",
        SampleSchema.Text(m.Schema),
        SampleSchema.Text(m.Options),
        string.Join(' ', m.InheritedTails),
        string.Join('\n', m.Segments.Select(s =>
            $"{s.KeyBase} {s.Documents} {s.LogicalBytes} {s.DeletesVersion} {s.DeletesKey} {s.Deleted} {string.Join(' ', s.Parts)} {string.Join(' ', s.Trees)}")),
        string.Join(' ', m.Retired),
        string.Join(' ', m.Trims),
        string.Join(' ', m.PinsHeld),
        $"{m.IndexedAtMs} {m.IndexedBytes} {m.History} {m.CopiedThrough}",
        $"{string.Join(' ', m.Tokens)} {string.Join(' ', m.TokenEpochs)}",
        string.Join('\n', m.Trees.Select(t => $"{t.Id} {t.Attribute} {t.TrainedOn} {t.ProbesWhenTrained} {t.Rebuilds} {string.Join(' ', t.Parts)} {string.Join(' ', t.Calibration)}")),
    });
}
