using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Segments;

/// <summary>
/// Version 1 of every segment format, kept as files: today's reader reads them, and today's writer still makes the same bytes. When a layout is to change,
/// the second test says so first: raise the version, keep the old file and a reader for it.
/// </summary>
public class SegmentGoldenTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(IdKind.UInt)]
    [InlineData(IdKind.Uuid)]
    [InlineData(IdKind.String)]
    public async Task Parts_of_version_2_are_read_and_written_unchanged(IdKind kind)
    {
        var schema = EveryType.Schema(kind);
        var documents = EveryType.Documents(schema, 20, seed: 1);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, "today", schema, documents, Cancellation);
        var golden = descriptor with { KeyBase = "golden" };
        foreach (var part in descriptor.Parts)
        {
            byte[] today = await StoredObjects.ReadAsync(store, descriptor.KeyOf(part.Name));
            string name = part.Name == "ids" ? kind.ToString().ToLowerInvariant() : "every-type";
            byte[] file = GoldenFiles.Read($"{part.Name}/v2/{name}.bin", today);
            await StoredObjects.WriteAsync(store, golden.KeyOf(part.Name), file);
            Assert.Equal(file, today);
        }

        var segment = await SegmentReader.OpenAsync(store, golden, Cancellation);
        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        Assert.Empty(await segment.VerifyAllAsync(store, [], Cancellation));
        segment.Release();
    }

    [Fact]
    public void Rows_of_version_1_are_read_and_written_unchanged()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 0);
        var document = EveryType.Documents(schema, 1, seed: 2, nulls: 0)[0];
        byte[] today = ModelSource.Row(schema, document);
        byte[] file = GoldenFiles.Read("row/v1/every-type.bin", today);
        Assert.Equal(file, today);
        Assert.All(schema.Attributes, a => Assert.Equal(ValueText.Of(document.Get(a)), ValueText.Of(RowFormat.Read(file, a))));
    }

    [Fact]
    public void Deletion_bitmaps_of_version_1_are_read_and_written_unchanged()
    {
        var deleted = new BitSet(130) { [0] = true, [64] = true, [129] = true };
        byte[] today = DeletesFormat.Write(deleted);
        byte[] file = GoldenFiles.Read("deletes/v1/three-of-130.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(ValueText.Of(deleted), ValueText.Of(DeletesFormat.Read(file)));
    }
}
