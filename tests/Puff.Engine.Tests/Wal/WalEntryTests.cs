using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Wal;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Wal;

/// <summary>Log entries come back as written; damaged ones are refused with their key, whatever the damage.</summary>
public sealed class WalEntryTests
{
    public static TheoryData<IdKind> Kinds => new(IdKind.UInt, IdKind.Uuid, IdKind.String);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_was_written_is_read(IdKind kind)
    {
        var schema = SampleSchema.Of(kind);
        var documents = EveryType.Documents(schema, 5, seed: 3, nulls: 0);
        string text = WalEntrySamples.Describe(WalEntrySamples.EveryOperation(kind));

        Assert.Contains(SampleSchema.Text(schema), text, StringComparison.Ordinal);
        Assert.Contains("PinnedReplicas = 2, ReadOnly = True, Shards = 300", text, StringComparison.Ordinal);
        foreach (var document in documents)
        {
            bool isPatched = document == documents[1];
            string row = $"{document.Id}: " + string.Join(' ', schema.Attributes.Select(a => ValueText.Of(
                isPatched && a.Id == EveryType.Title.Id ? Value.Null : isPatched && a.Id == EveryType.Body.Id ? Value.String("patched") : document.Get(a))));
            Assert.Equal(document != documents[2], text.Split('\n').Contains(row));
        }
    }

    [Fact]
    public void Version_2_is_read_and_written_unchanged()
    {
        byte[] today = WalEntrySamples.Tokens();
        byte[] file = GoldenFiles.Read("wal-entry/v2/tokens.bin", today);
        Assert.Equal(file, today);
        string text = WalEntrySamples.Describe(file);
        Assert.Contains(new NamespaceToken("a/posts/1", "00000000016B3748/00000007", "cursor").ToString(), text, StringComparison.Ordinal);
        Assert.Contains(new NamespaceToken("b/users/2", "0").ToString(), text, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_tokens_are_refused()
    {
        byte[] whole = WalEntrySamples.Tokens();
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)))
        {
            AssertRefused(damaged);
        }
    }

    [Fact]
    public void A_header_comes_back_to_the_last_bit()
    {
        var entry = WalEntrySamples.Open(WalEntrySamples.Deletion());
        Assert.Equal(WalEntrySamples.Header with { Flags = WalEntryFlags.DeletesNamespace }, entry.Header);
        Assert.True(entry.DeletesNamespace);
        Assert.Null(entry.ReadSchema());
        Assert.Null(entry.ReadOptions());
        Assert.Equal(0, entry.Operations.Length);
        entry.Memory.Release();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Version_1_is_read_and_written_unchanged(IdKind kind)
    {
        byte[] today = WalEntrySamples.EveryOperation(kind);
        byte[] file = GoldenFiles.Read($"wal-entry/v1/{kind.ToString().ToLowerInvariant()}.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(WalEntrySamples.Describe(today), WalEntrySamples.Describe(file));
    }

    [Fact]
    public void Deletions_of_version_1_are_read_and_written_unchanged()
    {
        byte[] today = WalEntrySamples.Deletion();
        byte[] file = GoldenFiles.Read("wal-entry/v1/deletion.bin", today);
        Assert.Equal(file, today);
        var entry = WalEntrySamples.Open(file);
        Assert.True(entry.DeletesNamespace);
        entry.Memory.Release();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Truncations_and_flipped_bits_are_refused(IdKind kind)
    {
        byte[] whole = WalEntrySamples.EveryOperation(kind);
        // Every bit of one entry; the others differ from it in their ids only.
        var flipped = Damage.FlippedBits(whole).Where((_, bit) => kind == IdKind.UInt || bit % 13 == 0);
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(flipped).Append([.. whole, 0]))
        {
            AssertRefused(damaged);
        }
    }

    [Fact]
    public void Every_damage_of_a_deletion_is_refused()
    {
        byte[] whole = WalEntrySamples.Deletion();
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)))
        {
            AssertRefused(damaged);
        }
    }

    /// <summary>Values may differ then, but nothing else than Corrupt comes out of it.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Changes_behind_valid_checksums_do_no_harm(IdKind kind)
    {
        byte[] whole = WalEntrySamples.EveryOperation(kind);
        string right = WalEntrySamples.Describe(whole);
        int refused = 0, wrong = 0;
        foreach (byte[] damaged in Damage.Resealed(whole, Damage.ResealWalEntry, 4000, (int)kind))
        {
            try
            {
                wrong += WalEntrySamples.Describe(damaged) == right ? 0 : 1;
            }
            catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt && damage.Message.Contains(WalEntrySamples.Key, StringComparison.Ordinal))
            {
                refused++;
            }
        }

        // That wrong values are seen here is the proof that the tests above would see them.
        Assert.InRange(refused, 1000, 4000);
        Assert.InRange(wrong, 100, 4000);
    }

    [Fact]
    public void An_entry_of_another_slot_or_epoch_is_refused()
    {
        byte[] bytes = WalEntrySamples.Deletion();
        foreach (var (epoch, sequence) in new[] { (WalEntrySamples.Epoch, 2L), (WalEntrySamples.Epoch + 1, 1L) })
        {
            var error = Assert.Throws<PuffException>(() => WalEntry.Open(WalEntrySamples.Key, NativeObjectMemory.CopyOf(bytes), epoch, sequence));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
        }
    }

    [Fact]
    public void An_entry_must_fit_the_schema_it_follows()
    {
        byte[] bytes = WalEntrySamples.EveryOperation(IdKind.UInt);
        var schema = SampleSchema.Of(IdKind.UInt);
        var entry = WalEntrySamples.Open(bytes);
        entry.CheckFits(NamespaceSchema.Empty);
        entry.CheckFits(schema);
        foreach (var before in new[]
        {
            SampleSchema.Of(IdKind.String),
            new NamespaceSchema(IdKind.UInt, null, [EveryType.Title with { Name = "renamed" }]),
            new NamespaceSchema(IdKind.UInt, null, [EveryType.Title with { Type = new AttributeType(TypeKind.Int) }]),
            new NamespaceSchema(IdKind.UInt, null, [new AttributeDefinition(999, "gone", new AttributeType(TypeKind.Int))]),
        })
        {
            var error = Assert.Throws<PuffException>(() => entry.CheckFits(before));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains(WalEntrySamples.Key, error.Message, StringComparison.Ordinal);
        }

        entry.CheckFits(new NamespaceSchema(null, null, [EveryType.Unknown]));
        entry.Memory.Release();
    }

    [Fact]
    public async Task A_header_is_read_alone_and_its_damage_names_the_key()
    {
        await using var store = new MemoryObjectStore();
        var keys = new NamespaceKeys("puff", "test");
        var log = new WriteAheadLog(store, keys, WalEntrySamples.Epoch);
        Assert.Equal(WalEntrySamples.Key, keys.WalEntry(WalEntrySamples.Epoch, 1));
        Assert.Null(await log.ReadHeaderAsync(1, default));

        byte[] whole = WalEntrySamples.EveryOperation(IdKind.UInt);
        await StoredObjects.WriteAsync(store, WalEntrySamples.Key, whole);
        Assert.Equal(WalEntrySamples.Header.BatchId, (await log.ReadHeaderAsync(1, default))!.BatchId);
        foreach (byte[] damaged in Damage.Truncations(whole[..200]))
        {
            await StoredObjects.WriteAsync(store, WalEntrySamples.Key, damaged);
            var error = await Assert.ThrowsAsync<PuffException>(async () => await log.ReadHeaderAsync(1, default));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains(WalEntrySamples.Key, error.Message, StringComparison.Ordinal);
        }
    }

    private static void AssertRefused(byte[] damaged)
    {
        var error = Assert.Throws<PuffException>(() => WalEntrySamples.Open(damaged));
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(WalEntrySamples.Key, error.Message, StringComparison.Ordinal);
    }
}
