using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Vectors;
using Puff.Engine.Vectors;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Segments;

/// <summary>Segments with codes: the documents' order, the groups, and every single code against one computed alone.</summary>
public sealed class SegmentCodesTests
{
    private const string KeyBase = "puff/ns/test/seg/0001";

    private static readonly VectorIndexSettings Tiny = new()
    {
        CodesFrom = 1, GroupMean = 1, FlatLimit = 10, LeafMin = 2, LeafTarget = 8, LeafMax = 16, FanOut = 4, Threads = 2,
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<bool, int> Cases => new((false, 0), (false, 35), (true, 0), (true, 35));

    /// <summary>All three widths at once: the first attribute is aligned, the others name their documents.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Documents_follow_groups_and_codes_are_those_of_the_vectors(bool hasTrees, int nulls)
    {
        var schema = EveryType.Schema(IdKind.UInt);
        var documents = FiniteDocuments(schema, 300, seed: 31, nulls);
        using var source = new ModelSource(schema, documents);
        using var trees = hasTrees ? Trees.Train(source, schema) : new Trees();
        var layout = FlushLayout.Create(source, schema, trees.All, Tiny);
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentBuilder.BuildAsync(store, KeyBase, schema, source, Cancellation, layout, threads: 3);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Null(SegmentChecks.Difference(segment, schema, [.. Enumerable.Range(0, 300).Select(i => documents[layout.SourceOf(i)])]));
        Assert.Equal([300, 301, 20_000], descriptor.Trees.Select(t => t.Attribute));
        foreach (var attribute in schema.DenseVectors)
        {
            var index = segment.GetIndex(attribute, trees.All)!;
            Assert.Equal(attribute.Id == 300, index.IsAligned);
            Assert.Same(index, segment.GetIndex(attribute, trees.All));
            CheckGroups(segment, attribute, index);
            CheckCodes(segment, attribute, index);
        }

        Assert.Empty(await segment.VerifyAllAsync(store, trees.Descriptors, Cancellation));
        segment.Release();
    }

    [Fact]
    public async Task The_bytes_do_not_depend_on_the_number_of_threads()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 2);
        using var source = new ModelSource(schema, FiniteDocuments(schema, 200, seed: 32));
        using var trees = Trees.Train(source, schema);
        await using var store = new MemoryObjectStore();
        var files = new List<byte[]>();
        foreach (int threads in new[] { 1, 4 })
        {
            var layout = FlushLayout.Create(source, schema, trees.All, Tiny with { Threads = threads });
            var built = await SegmentBuilder.BuildAsync(store, $"{KeyBase}{threads}", schema, source, Cancellation, layout, threads);
            files.Add(await StoredObjects.ReadAsync(store, built.KeyOf("codes")));
        }

        Assert.Equal(files[0], files[1]);
    }

    [Fact]
    public async Task A_segment_with_few_vectors_has_no_codes()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 1);
        using var source = new ModelSource(schema, FiniteDocuments(schema, 20, seed: 33, nulls: 0));
        var layout = FlushLayout.Create(source, schema, [], Tiny with { CodesFrom = 21 });
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentBuilder.BuildAsync(store, KeyBase, schema, source, Cancellation, layout);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        Assert.Empty(descriptor.Trees);
        Assert.DoesNotContain(descriptor.Parts, p => p.Name == "codes");
        Assert.Null(segment.GetIndex(EveryType.VectorF32, []));
        segment.Release();
    }

    [Fact]
    public async Task Codes_that_do_not_fit_the_manifest_are_reported()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 2);
        using var source = new ModelSource(schema, FiniteDocuments(schema, 100, seed: 34));
        using var trees = Trees.Train(source, schema);
        await using var store = new MemoryObjectStore();
        var layout = FlushLayout.Create(source, schema, trees.All, Tiny);
        var descriptor = await SegmentBuilder.BuildAsync(store, KeyBase, schema, source, Cancellation, layout);
        var tree = trees.Descriptors[0];
        var cut = tree with { Parts = [tree.Parts[0] with { Nodes = 1 }] };
        (SegmentDescriptor, TreeDescriptor[])[] wrong =
        [
            (descriptor, []),
            (descriptor, [cut, trees.Descriptors[1]]),
            (descriptor with { Trees = [new SegmentTree(300, 0)] }, trees.Descriptors),
            (descriptor with { Trees = [new SegmentTree(20_000, 0)] }, trees.Descriptors),
            (descriptor with { Parts = descriptor.Parts.Where(p => p.Name != "codes").ToArray() }, trees.Descriptors),
        ];
        Assert.Empty(await SegmentVerifier.VerifyAsync(store, descriptor, trees.Descriptors, Cancellation));
        foreach (var (named, listed) in wrong)
        {
            var problem = Assert.Single(await SegmentVerifier.VerifyAsync(store, named, listed, Cancellation));
            Assert.Equal(descriptor.KeyOf("codes"), problem.Key);
        }

        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);
        Assert.Equal(ErrorKind.Corrupt, Assert.Throws<PuffException>(() => segment.GetIndex(EveryType.VectorF32, [])).Kind);
        segment.Release();
    }

    [Fact]
    public async Task A_damaged_group_is_reported_with_the_key_of_its_part_when_it_is_first_read()
    {
        var schema = EveryType.Schema(IdKind.UInt, vectors: 1);
        using var source = new ModelSource(schema, FiniteDocuments(schema, 100, seed: 35));
        await using var store = new MemoryObjectStore();
        var layout = FlushLayout.Create(source, schema, [], Tiny);
        var descriptor = await SegmentBuilder.BuildAsync(store, KeyBase, schema, source, Cancellation, layout);
        byte[] part = await StoredObjects.ReadAsync(store, descriptor.KeyOf("codes"));
        part[200] ^= 1;
        await StoredObjects.WriteAsync(store, descriptor.KeyOf("codes"), part);
        var segment = await SegmentReader.OpenAsync(store, descriptor, Cancellation);

        var error = Assert.Throws<PuffException>(() => Touch(segment.GetIndex(EveryType.VectorF32, [])!));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(descriptor.KeyOf("codes"), error.Message, StringComparison.Ordinal);
        segment.Release();
    }

    private static unsafe void Touch(CodedVectors index) => index.GroupCodes(0);

    /// <summary>Each group is a run of slots of one node, and exactly the documents with a vector have a slot.</summary>
    private static void CheckGroups(SegmentReader segment, AttributeDefinition attribute, CodedVectors index)
    {
        int[] documents = [.. Enumerable.Range(0, index.Count).Select(index.DocumentOf)];
        int[] expected = [.. Enumerable.Range(0, segment.Count).Where(d => segment.GetVector(d, attribute).Length > 0)];
        Assert.Equal(expected, documents.Order());
        Assert.All(Enumerable.Range(0, segment.Count), d => Assert.Equal(Array.IndexOf(documents, d), index.SlotOf(d)));
        Assert.Equal(index.Count, index.Groups.ToArray().Sum(g => g.Count));
        if (index.Tree is { } tree)
        {
            Assert.True(index.Groups.Length > 4);
            Assert.All(index.Groups.ToArray(), g => Assert.True(tree.IsLeaf(g.Node)));
            int[] ranks = [.. index.Groups.ToArray().Select(g => tree.WalkRank(g.Node))];
            Assert.Equal(ranks.Order(), ranks);
        }
    }

    private static unsafe void CheckCodes(SegmentReader segment, AttributeDefinition attribute, CodedVectors index)
    {
        int padded = index.PaddedDimensions;
        var rotation = new RandomRotation(attribute.Type.Dimensions, index.RotationSeed);
        float* memory = (float*)NativeMemory.AlignedAlloc((nuint)padded * 4 * sizeof(float), 64);
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)BinaryCodes.BlockBytes(padded), 64);
        byte* turned = (byte*)NativeMemory.AlignedAlloc((nuint)BinaryCodes.BlockBytes(padded), 64);
        var row = new byte[OctalCodes.RowBytes(padded)];
        try
        {
            float* vector = memory;
            float* rotated = memory + padded;
            float* residual = rotated + padded;
            float* centroid = residual + padded;
            for (int g = 0; g < index.Groups.Length; g++)
            {
                var group = index.Groups[g];
                var center = index.Tree is { } tree ? tree.CentroidOf(group.Node) : index.FlatCentroid;
                center.CopyTo(new Span<float>(centroid, padded));
                string where = $"attribute {attribute.Id}, group {g} of {index.Groups.Length}";
                for (int i = 0; i < group.Count; i++)
                {
                    if (i % 32 == 0)
                    {
                        BinaryCodes.Clear(block, padded);
                        BinaryCodes.Clear(turned, padded);
                    }

                    byte* stored = segment.GetVector(index.DocumentOf(group.FirstSlot + i), attribute).Pointer;
                    IndexedVector.Read(stored, ElementOf(attribute), isUnit: true, new Span<float>(vector, attribute.Type.Dimensions));
                    rotation.Apply(vector, rotated);
                    for (int d = 0; d < padded; d++)
                    {
                        residual[d] = rotated[d] - centroid[d];
                    }

                    BinaryCodes.Encode(residual, centroid, padded, block, i % 32);
                    fixed (byte* target = row)
                    {
                        OctalCodes.Encode(residual, centroid, padded, target);
                    }

                    TurnNoise(residual, padded);
                    BinaryCodes.Encode(residual, centroid, padded, turned, i % 32);

                    byte* codes = index.GroupCodes(g);
                    Assert.Equal(0, (nint)codes % 64);
                    var found = new ReadOnlySpan<byte>(codes + CodesFormat.RowsOffset(group.Count, padded) + (i * row.Length), row.Length);
                    string? difference = Differs(found, row, OctalCodes.CodeBytes(padded));
                    Assert.True(difference is null, $"{where}, vector {i}, 3-bit code: {difference}");
                    if (i % 32 == 31 || i == group.Count - 1)
                    {
                        int bytes = BinaryCodes.BlockBytes(padded);
                        var foundBlock = new ReadOnlySpan<byte>(codes + (i / 32 * bytes), bytes);
                        difference = Differs(foundBlock[..BinaryCodes.FactorBytes], new(block, BinaryCodes.FactorBytes), 0);
                        Assert.True(difference is null, $"{where}, block {i / 32}, 1-bit factors: {difference}");
                        for (int b = BinaryCodes.FactorBytes; b < bytes; b++)
                        {
                            int certain = ~(block[b] ^ turned[b]);
                            Assert.True(((foundBlock[b] ^ block[b]) & certain) == 0, $"{where}, block {i / 32}, byte {b} of the 1-bit codes");
                        }
                    }
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
            NativeMemory.AlignedFree(block);
            NativeMemory.AlignedFree(turned);
        }
    }

    /// <summary>
    /// Documents whose vectors hold finite numbers, as all do that pass the front door. The sign of what is no number, and the node it is near to, depend on
    /// the order that the compiler gives to operands.
    /// </summary>
    private static List<ModelDocument> FiniteDocuments(NamespaceSchema schema, int count, int seed, int nulls = 30) =>
    [
        .. EveryType.Documents(schema, count, seed: seed, nulls: nulls)
            .Select(d => new ModelDocument(d.Id, d.Values.ToDictionary(v => v.Key, v => Finite(v.Value)))),
    ];

    private static Value Finite(Value value) => value.Kind switch
    {
        ValueKind.VectorF32 => Value.Vector(value.AsVectorF32.ToArray().Select(x => float.IsFinite(x) ? x : 1.25f).ToArray()),
        ValueKind.VectorF16 => Value.Vector(value.AsVectorF16.ToArray().Select(x => Half.IsFinite(x) ? x : (Half)1.25f).ToArray()),
        _ => value,
    };

    /// <summary>Turns the signs of coordinates that are nothing but rounding errors (of a vector of length 1), or no numbers: either sign is right.</summary>
    private static unsafe void TurnNoise(float* residual, int padded)
    {
        for (int d = 0; d < padded; d++)
        {
            residual[d] = MathF.Abs(residual[d]) > 1e-6f ? residual[d] : -residual[d];
        }
    }

    /// <summary>
    /// What differs between stored and recomputed codes: the digits have to be the same but for one step where rounding decides, the factors after them but for
    /// their last bits.
    /// </summary>
    private static string? Differs(ReadOnlySpan<byte> found, ReadOnlySpan<byte> expected, int digits)
    {
        for (int i = 0; i < digits; i++)
        {
            if (Math.Abs((found[i] & 15) - (expected[i] & 15)) > 1 || Math.Abs((found[i] >> 4) - (expected[i] >> 4)) > 1)
            {
                return $"byte {i} is {found[i]:x2}, expected {expected[i]:x2}";
            }
        }

        int codes = (found.Length - digits) / 8;
        for (int i = 0; i < codes; i++)
        {
            var factors = FactorsOf(found[digits..], i, codes);
            var wanted = FactorsOf(expected[digits..], i, codes);

            // A unit of what is left of scale and error.
            if (!IsNear(factors.Add, wanted.Add, 2e-3f) || !IsNear(factors.Scale, wanted.Scale, 1e-3f) || !IsNear(factors.Error, wanted.Error, 0.07f))
            {
                return $"factors {i} are {factors}, expected {wanted}";
            }
        }

        return null;
    }

    private static CodeFactors FactorsOf(ReadOnlySpan<byte> stored, int index, int count) => CodeFactors.Unpack(
        BinaryPrimitives.ReadSingleLittleEndian(stored[(index * 4)..]), BinaryPrimitives.ReadUInt32LittleEndian(stored[((count + index) * 4)..]));

    private static bool IsNear(float found, float expected, float tolerance) =>
        found.Equals(expected) || MathF.Abs(found - expected) <= tolerance * (1e-4f + MathF.Abs(expected));

    private static ElementType ElementOf(AttributeDefinition attribute) => attribute.Type.Kind switch
    {
        TypeKind.VectorF32 => ElementType.F32,
        TypeKind.VectorF16 => ElementType.F16,
        _ => ElementType.I8,
    };

    /// <summary>A tree for every vector attribute.</summary>
    private sealed class Trees : IDisposable
    {
        public List<IndexTree> All { get; } = [];

        public TreeDescriptor[] Descriptors => [.. All.Select(t => t.Descriptor)];

        public static Trees Train(ISegmentSource source, NamespaceSchema schema)
        {
            var trees = new Trees();
            foreach (var vectors in SegmentVectors.OfAll(source, schema, Tiny))
            {
                var trained = TreeTrainer.Train(vectors, vectors.Dimensions, (ulong)vectors.Attribute.Id, 77, Tiny, seed: 5);
                var descriptor = new TreeDescriptor
                {
                    Id = trained.Shape.Id, Attribute = vectors.Attribute.Id, Parts = [new TreePart("tree", 0, trained.Nodes.Count, 1)],
                };
                trees.All.Add(new IndexTree(descriptor, ClusterTree.Create(trained.Shape, trained.Nodes)));
            }

            return trees;
        }

        public void Dispose() => All.ForEach(t => t.Tree.Release());
    }
}
