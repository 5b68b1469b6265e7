using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.TestKit.Segments;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Segments;

public class SegmentRoundTripTests
{
    private const string KeyBase = "puff/ns/test/seg/0001";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(IdKind.UInt, 0, 3)]
    [InlineData(IdKind.UInt, 1, 0)]
    [InlineData(IdKind.UInt, 300, 1)]
    [InlineData(IdKind.Uuid, 0, 1)]
    [InlineData(IdKind.Uuid, 64, 2)]
    [InlineData(IdKind.String, 0, 0)]
    [InlineData(IdKind.String, 65, 3)]
    [InlineData(IdKind.String, 1000, 3)]
    public async Task A_segment_gives_back_every_value_of_every_type(IdKind kind, int count, int vectors)
    {
        var schema = EveryType.Schema(kind, vectors);
        var documents = EveryType.Documents(schema, count, seed: count + vectors);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        Assert.Equal(count, segment.BaseLive.PopCount());
        Assert.Empty(await segment.VerifyAllAsync(store, [], Cancellation));
        Assert.All(Enumerable.Range(count, 500), i => Assert.Equal(-1, segment.Find(EveryType.Id(kind, i))));
        Assert.Equal(-1, segment.Find(EveryType.Id(kind == IdKind.UInt ? IdKind.String : IdKind.UInt, 0)));
        segment.Release();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_segment_with_all_values_or_none_is_read_back(int nulls)
    {
        var schema = EveryType.Schema(IdKind.UInt);
        var documents = EveryType.Documents(schema, 130, seed: 9, nulls);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        Assert.Equal(nulls == 0 ? 1 : 0, segment.GetVectors(EveryType.VectorF32)?.Blocks.Count ?? 0);
        segment.Release();
    }

    [Fact]
    public async Task Parts_longer_than_a_block_are_read_back_with_aligned_vectors()
    {
        var vector = new AttributeDefinition(1, "vector", new AttributeType(TypeKind.VectorF32, 768)) { Ann = true };
        var schema = new NamespaceSchema(IdKind.UInt, DistanceMetric.CosineDistance, [vector, EveryType.Body]);
        var random = new Xorshift(1);
        var text = Value.Utf8(new byte[3_000_000]);
        var documents = Enumerable.Range(0, 1500)
            .Select(i => new ModelDocument(
                DocumentId.FromUInt((ulong)i),
                new Dictionary<int, Value> { [1] = EveryType.RandomValue(vector.Type, random), [EveryType.Body.Id] = i == 7 ? text : Value.String($"{i}") }))
            .ToList();
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        Assert.All(segment.GetVectors(vector)!.Blocks, block => Assert.Equal(0, Address(block) % 64));
        Assert.InRange(descriptor.Parts.Single(p => p.Name == "vectors").Bytes, 1500 * 768 * 4, 1500 * 768 * 4 + 512);
        Assert.Equal(1500 * (768 * 4 + 8) + 3_000_000 + documents.Sum(d => d.Get(EveryType.Body).AsBytes.Length) - 3_000_000, descriptor.LogicalBytes);
        Assert.Empty(await segment.VerifyAllAsync(store, [], Cancellation));
        segment.Release();
    }

    [Fact]
    public async Task A_segment_is_read_from_files_in_place()
    {
        using var folder = new TemporaryFolder();
        await using var store = await DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Durable = false }, Cancellation);
        var schema = EveryType.Schema(IdKind.String);
        var documents = EveryType.Documents(schema, 200, seed: 11);
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        segment.Release();
    }

    [Fact]
    public async Task A_cancelled_build_leaves_no_object()
    {
        var schema = EveryType.Schema(IdKind.UInt);
        using var cancelled = new CancellationTokenSource();
        using var source = new CancellingSource(schema, EveryType.Documents(schema, 10, seed: 12), cancelled);
        await using var store = new MemoryObjectStore();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await SegmentBuilder.BuildAsync(store, KeyBase, schema, source, cancelled.Token));

        Assert.Empty((await store.ListAsync(new ListOptions(KeyBase), StorePurpose.Segment, Cancellation)).Objects);
    }

    [Fact]
    public async Task Building_twice_gives_the_same_bytes()
    {
        var schema = EveryType.Schema(IdKind.String);
        var documents = EveryType.Documents(schema, 100, seed: 3);
        await using var store = new MemoryObjectStore();
        var first = await SegmentChecks.BuildAsync(store, "a", schema, documents, Cancellation);
        var second = await SegmentChecks.BuildAsync(store, "b", schema, documents, Cancellation);
        foreach (var part in first.Parts)
        {
            Assert.Equal(await StoredObjects.ReadAsync(store, first.KeyOf(part.Name)), await StoredObjects.ReadAsync(store, second.KeyOf(part.Name)));
        }
    }

    [Fact]
    public async Task A_column_built_from_rows_equals_the_stored_one()
    {
        var filterable = EveryType.Schema(IdKind.UInt, vectors: 0);
        var plain = new NamespaceSchema(IdKind.UInt, null, filterable.Attributes.Select(a => a with { Filterable = false }));
        var documents = EveryType.Documents(filterable, 200, seed: 4);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, plain, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        // Comparing with the filterable schema asks for columns the segment was written without.
        Assert.Null(SegmentChecks.Difference(segment, filterable, documents));
        Assert.Same(segment.GetColumn(EveryType.Title), segment.GetColumn(EveryType.Title));
        segment.Release();
    }

    [Fact]
    public async Task Threads_that_ask_for_the_same_unbuilt_column_get_the_same_one()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 0);
        var documents = EveryType.Documents(schema, 500, seed: 5);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);
        var body = EveryType.Body with { Filterable = true };

        var columns = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => segment.GetColumn(body), Cancellation)));

        Assert.Single(columns.Distinct());
        segment.Release();
    }

    [Fact]
    public async Task An_array_whose_type_became_known_later_has_a_column_of_that_type()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 0);
        var documents = EveryType.Documents(schema, 50, seed: 6);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);
        var known = EveryType.Unknown with { Type = new AttributeType(TypeKind.StringArray) };

        var column = segment.GetColumn(known);

        Assert.Equal(TypeKind.StringArray, column!.Kind);
        Assert.Equal(documents.Select(d => ValueText.Of(d.Get(known))), documents.Select((_, i) => ValueText.Of(ValueText.ValueAt(column, i))));
        segment.Release();
    }

    [Fact]
    public async Task Deleted_documents_are_not_live_in_the_segment_and_its_set()
    {
        var schema = EveryType.Schema(IdKind.String, vectors: 1);
        var documents = EveryType.Documents(schema, 100, seed: 7);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation);
        var deleted = new BitSet(100) { [0] = true, [63] = true, [99] = true };
        await DeletesObject.WriteAsync(store, "puff/ns/test/del/1", deleted, Cancellation);
        descriptor = descriptor with { DeletesKey = "puff/ns/test/del/1", DeletesVersion = 1, Deleted = 3 };
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);
        var set = new SegmentDocumentSet(segment, segment.BaseLive, []);

        Assert.Equal(6, segment.Keys.Count);
        Assert.Contains("puff/ns/test/del/1", segment.Keys);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(i, segment.Find(documents[i].Id));
            Assert.Equal(deleted[i] ? -1 : i, set.Find(documents[i].Id));
            Assert.Equal(!deleted[i], set.Live[i]);
            Assert.Equal(documents[i].Id, set.GetId(i));
        }

        Assert.Equal(ValueText.Of(documents[5].Get(EveryType.Title)), ValueText.Of(set.ReaderOf(5).Get(EveryType.Title)));
        segment.Release();
    }

    [Fact]
    public async Task A_merge_has_the_live_documents_of_all_its_inputs_in_order()
    {
        var schema = EveryType.Schema(IdKind.Uuid);
        var random = new Xorshift(8);
        await using var store = new MemoryObjectStore();
        var inputs = new List<(SegmentReader Segment, BitSet Live)>();
        var expected = new List<ModelDocument>();
        foreach (int count in new[] { 120, 0, 1, 77 })
        {
            var documents = EveryType.Documents(schema, count, seed: count, firstId: inputs.Count * 1000);
            var descriptor = await SegmentChecks.BuildAsync(store, $"in/{inputs.Count}", schema, documents, Cancellation);
            var live = new BitSet(count);
            for (int i = 0; i < count; i++)
            {
                live[i] = random.Next(3) > 0;
            }

            expected.AddRange(documents.Where((_, i) => live[i]));
            inputs.Add((await SegmentReader.OpenAsync(store, descriptor, Cancellation), live));
        }

        var merged = await SegmentBuilder.BuildAsync(store, KeyBase, schema, new MergeSource(inputs), Cancellation);
        var segment = await SegmentReader.OpenAsync(store, merged, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, expected));
        segment.Release();
        inputs.ForEach(i => i.Segment.Release());
    }

    [Fact]
    public async Task Two_documents_with_one_id_are_refused()
    {
        foreach (var kind in Enum.GetValues<IdKind>())
        {
            var schema = EveryType.Schema(kind, vectors: 0);
            var document = new ModelDocument(EveryType.Id(kind, 1), new Dictionary<int, Value>());
            await using var store = new MemoryObjectStore();
            var error = await Assert.ThrowsAsync<PuffException>(() => SegmentChecks.BuildAsync(store, KeyBase, schema, [document, document], Cancellation));
            Assert.Equal(ErrorKind.Internal, error.Kind);
        }
    }

    [Fact]
    public async Task A_segment_is_usable_until_its_last_reference_is_released()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 0);
        var documents = EveryType.Documents(schema, 10, seed: 10);
        await using var store = new MemoryObjectStore();
        var segment = await SegmentReader.OpenAsync(
            store, await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation), Cancellation);

        segment.AddReference();
        segment.Release();
        Assert.Null(SegmentChecks.Difference(segment, schema, documents));
        segment.Release();
        Assert.Throws<ObjectDisposedException>(segment.AddReference);
    }

    /// <summary>Cancels the build as soon as it reads a row, that is after the first object was begun.</summary>
    private sealed unsafe class CancellingSource(NamespaceSchema schema, List<ModelDocument> documents, CancellationTokenSource cancelled)
        : ISegmentSource, IDisposable
    {
        private readonly ModelSource source = new(schema, documents);

        public int Count => source.Count;

        public DocumentId GetId(int document) => source.GetId(document);

        public ReadOnlySpan<byte> GetRow(int document)
        {
            cancelled.Cancel();
            return source.GetRow(document);
        }

        public byte* GetVector(int document, AttributeDefinition attribute) => source.GetVector(document, attribute);

        public void Dispose() => source.Dispose();
    }

    private static unsafe long Address(VectorBlock block) => (long)block.Pointer;
}
