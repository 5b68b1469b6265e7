using System.Reflection;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Segments;

/// <summary>Damaged objects are reported as Corrupt with their key, or read back exactly right; never a crash, a hang or a wrong answer.</summary>
public class SegmentDamageTests
{
    private const string KeyBase = "puff/ns/test/seg/0001";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, IdKind> Parts => new(
        ("rows", IdKind.UInt), ("ids", IdKind.UInt), ("ids", IdKind.Uuid), ("ids", IdKind.String), ("columns", IdKind.UInt), ("vectors", IdKind.UInt));

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Every_truncation_is_reported(string part, IdKind kind)
    {
        var sample = await Sample.BuildAsync(kind, 12);
        byte[] whole = await StoredObjects.ReadAsync(sample.Store, sample.KeyOf(part));
        for (int length = 0; length < whole.Length; length++)
        {
            await StoredObjects.WriteAsync(sample.Store, sample.KeyOf(part), whole.AsMemory(0, length));
            // Once as the manifest would say it, once as if the manifest agreed with the truncated length.
            var descriptor = length % 2 == 0 ? sample.Descriptor : sample.WithLength(part, length);
            Assert.True(await sample.IsReportedAsync(descriptor, part), $"{length} of {whole.Length} bytes");
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Flipped_bits_are_reported(string part, IdKind kind)
    {
        var sample = await Sample.BuildAsync(kind, 12);
        byte[] bytes = await StoredObjects.ReadAsync(sample.Store, sample.KeyOf(part));
        int footer = PartBytes.DataBytes(bytes);
        var random = new Xorshift(part.Length);
        var bits = Enumerable.Range(0, 600).Select(_ => random.Next(bytes.Length * 8))
            .Concat(Enumerable.Range(0, 300).Select(_ => footer * 8 + random.Next((bytes.Length - footer) * 8)))
            .Concat(Enumerable.Range((bytes.Length - 16) * 8, 16 * 8))
            .Concat(Enumerable.Range(0, 8 * 8));
        foreach (int bit in bits)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            await StoredObjects.WriteAsync(sample.Store, sample.KeyOf(part), bytes);
            Assert.True(await sample.IsReportedAsync(sample.Descriptor, part), $"bit {bit} of {bytes.Length * 8}");
            Assert.True(await sample.IsRefusedOrRightAsync(sample.KeyOf(part)), $"bit {bit} of {bytes.Length * 8}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>With the checksums mended, values may differ, but every read ends in a value or in Corrupt.</summary>
    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Changes_behind_valid_checksums_do_no_harm(string part, IdKind kind)
    {
        var sample = await Sample.BuildAsync(kind, 12);
        byte[] original = await StoredObjects.ReadAsync(sample.Store, sample.KeyOf(part));
        int footer = PartBytes.DataBytes(original);
        var random = new Xorshift(part.Length + (int)kind);
        var outcomes = new List<Outcome>();
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = original.ToArray();
            int at = random.Next(3) == 0 ? footer + random.Next(original.Length - footer - 16) : random.Next(footer);
            bytes[at] = random.Next(2) == 0 ? (byte)(bytes[at] ^ 1 << random.Next(8)) : (byte)random.Next(256);
            PartBytes.Reseal(bytes);
            await StoredObjects.WriteAsync(sample.Store, sample.KeyOf(part), bytes);
            await SegmentVerifier.VerifyAsync(sample.Store, sample.Descriptor, [], Cancellation);
            outcomes.Add(await sample.ReadAsync(sample.KeyOf(part)));
        }

        // That wrong values are seen here is the proof that the tests above would see them.
        Assert.Contains(Outcome.Refused, outcomes);
        Assert.Contains(Outcome.Wrong, outcomes);
    }

    [Fact]
    public async Task A_missing_part_is_reported()
    {
        foreach (string part in new[] { "rows", "ids", "columns", "vectors" })
        {
            var sample = await Sample.BuildAsync(IdKind.UInt, 3);
            await sample.Store.DeleteAsync(sample.KeyOf(part), StorePurpose.Segment, Cancellation);
            var error = await Assert.ThrowsAsync<PuffException>(async () => await SegmentReader.OpenAsync(sample.Store, sample.Descriptor, Cancellation));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains(sample.KeyOf(part), error.Message, StringComparison.Ordinal);
            var problem = Assert.Single(await SegmentVerifier.VerifyAsync(sample.Store, sample.Descriptor, [], Cancellation));
            Assert.Equal(sample.KeyOf(part), problem.Key);
        }
    }

    [Fact]
    public async Task A_failing_store_is_not_mistaken_for_damage()
    {
        var sample = await Sample.BuildAsync(IdKind.UInt, 3);
        await using var failing = DispatchProxy.Create<IObjectStore, FailingStore>();
        await Assert.ThrowsAsync<StoreException>(async () => await SegmentReader.OpenAsync(failing, sample.Descriptor, Cancellation));
        await Assert.ThrowsAsync<StoreException>(async () => await SegmentVerifier.VerifyAsync(failing, sample.Descriptor, [], Cancellation));
    }

    [Fact]
    public async Task A_part_of_another_kind_or_size_is_reported()
    {
        var sample = await Sample.BuildAsync(IdKind.UInt, 12);
        var other = await Sample.BuildAsync(IdKind.UInt, 13);
        foreach (string part in new[] { "rows", "ids", "columns", "vectors" })
        {
            foreach (byte[] stranger in new[]
            {
                await StoredObjects.ReadAsync(sample.Store, sample.KeyOf(part == "rows" ? "ids" : "rows")),
                await StoredObjects.ReadAsync(other.Store, other.KeyOf(part)),
            })
            {
                var fresh = await Sample.BuildAsync(IdKind.UInt, 12);
                await StoredObjects.WriteAsync(fresh.Store, fresh.KeyOf(part), stranger);
                Assert.True(await fresh.IsReportedAsync(fresh.WithLength(part, stranger.Length), part));
            }
        }
    }

    [Fact]
    public async Task A_missing_or_damaged_deletion_bitmap_is_reported()
    {
        var sample = await Sample.BuildAsync(IdKind.UInt, 12);
        var descriptor = sample.Descriptor with { DeletesKey = "deletes", DeletesVersion = 1, Deleted = 1 };
        await AssertCorruptAsync();
        await DeletesObject.WriteAsync(sample.Store, "deletes", new BitSet(13), Cancellation);
        await AssertCorruptAsync();
        await StoredObjects.WriteAsync(sample.Store, "deletes", new byte[20]);
        await AssertCorruptAsync();

        async Task AssertCorruptAsync()
        {
            var error = await Assert.ThrowsAsync<PuffException>(async () => await SegmentReader.OpenAsync(sample.Store, descriptor, Cancellation));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains("object deletes", error.Message, StringComparison.Ordinal);
            Assert.Equal("deletes", Assert.Single(await SegmentVerifier.VerifyAsync(sample.Store, descriptor, [], Cancellation)).Key);
        }
    }

    /// <summary>Every call but disposal fails as if the network were down.</summary>
    private class FailingStore : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name == nameof(IAsyncDisposable.DisposeAsync)
            ? default(ValueTask)
            : throw new StoreException("the store cannot be reached", transient: true, outcomeUnknown: false);
    }

    private enum Outcome
    {
        Right,
        Wrong,
        Refused,
    }

    private sealed record Sample(MemoryObjectStore Store, NamespaceSchema Schema, List<ModelDocument> Documents, SegmentDescriptor Descriptor)
    {
        public static async Task<Sample> BuildAsync(IdKind kind, int count)
        {
            var schema = EveryType.Schema(kind);
            var documents = EveryType.Documents(schema, count, seed: count);
            var store = new MemoryObjectStore();
            return new Sample(store, schema, documents, await SegmentChecks.BuildAsync(store, KeyBase, schema, documents, Cancellation));
        }

        public string KeyOf(string part) => Descriptor.KeyOf(part);

        public SegmentDescriptor WithLength(string part, long bytes) =>
            Descriptor with { Parts = Descriptor.Parts.Select(p => p.Name == part ? new SegmentPart(part, bytes) : p).ToArray() };

        public async Task<bool> IsReportedAsync(SegmentDescriptor descriptor, string part)
        {
            var problems = await SegmentVerifier.VerifyAsync(Store, descriptor, [], Cancellation);
            return problems.Count > 0 && problems.All(p => p.Key == KeyOf(part));
        }

        public async Task<bool> IsRefusedOrRightAsync(string key) => await ReadAsync(key) != Outcome.Wrong;

        public async Task<Outcome> ReadAsync(string key)
        {
            SegmentReader? segment = null;
            try
            {
                segment = await SegmentReader.OpenAsync(Store, Descriptor, Cancellation);
                return SegmentChecks.Difference(segment, Schema, Documents) == null ? Outcome.Right : Outcome.Wrong;
            }
            catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
            {
                Assert.Contains(key, damage.Message, StringComparison.Ordinal);
                return Outcome.Refused;
            }
            finally
            {
                segment?.Release();
            }
        }
    }
}
