using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>Manifests and pins come back as written; damaged ones are refused.</summary>
public sealed class ManifestFormatTests
{
    private const string Current = "puff/ns/docs/current";

    private static readonly BranchPin Pin = new(
        ["puff/ns/mother/seg/a1.rows", "puff/ns/mother/seg/a1.ids"], [new InheritedTail("mother", 0xFEDCBA9876543210, 4, 9)]);

    public static TheoryData<string> Names => new("full", "trees", "history", "new", "ended", "tokens", "rebuilds");

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_written_is_read(string name)
    {
        var manifest = Sample(name);
        Assert.Equal(ManifestSamples.Text(manifest), ManifestSamples.Text(ManifestFormat.Read(ManifestSamples.Write(manifest))));
    }

    [Fact]
    public void Version_5_is_read_and_written_unchanged()
    {
        byte[] today = ManifestSamples.Write(Sample("rebuilds"));
        byte[] file = GoldenFiles.Read("manifest/v5/rebuilds.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(ManifestSamples.Text(Sample("rebuilds")), ManifestSamples.Text(ManifestFormat.Read(file)));
    }

    [Fact]
    public void Version_4_is_read_and_written_unchanged()
    {
        byte[] today = ManifestSamples.Write(Sample("tokens"));
        byte[] file = GoldenFiles.Read("manifest/v4/tokens.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(ManifestSamples.Text(Sample("tokens")), ManifestSamples.Text(ManifestFormat.Read(file)));
    }

    /// <summary>Nodes of the release before read everything but manifests with tokens.</summary>
    [Theory]
    [InlineData("full")]
    [InlineData("trees")]
    [InlineData("history")]
    [InlineData("new")]
    [InlineData("ended")]
    public void Version_3_is_read_and_written_unchanged(string name)
    {
        byte[] today = ManifestSamples.Write(Sample(name));
        byte[] file = GoldenFiles.Read($"manifest/v3/{name}.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(ManifestSamples.Text(Sample(name)), ManifestSamples.Text(ManifestFormat.Read(file)));
    }

    [Theory]
    [InlineData("full")]
    [InlineData("trees")]
    [InlineData("new")]
    [InlineData("ended")]
    public void Version_2_is_read(string name)
    {
        byte[] file = GoldenFiles.Read($"manifest/v2/{name}.bin", []);
        Assert.Equal(ManifestSamples.Text(Sample(name)), ManifestSamples.Text(ManifestFormat.Read(file)));
    }

    [Theory]
    [InlineData("full")]
    [InlineData("new")]
    [InlineData("ended")]
    public void Version_1_is_read(string name)
    {
        byte[] file = GoldenFiles.Read($"manifest/v1/{name}.bin", []);
        Assert.Equal(ManifestSamples.Text(Sample(name)), ManifestSamples.Text(ManifestFormat.Read(file)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_truncation_and_every_flipped_bit_is_refused(string name)
    {
        byte[] whole = ManifestSamples.Write(Sample(name));
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)).Append([.. whole, 0]))
        {
            Assert.Throws<CorruptDataException>(() => ManifestFormat.Read(damaged));
        }
    }

    [Fact]
    public void Changes_behind_a_valid_checksum_are_refused_or_make_another_manifest()
    {
        int refused = 0;
        foreach (byte[] damaged in Damage.Resealed(ManifestSamples.Write(ManifestSamples.WithTokens), Damage.ResealEnvelope, 5000, 1))
        {
            try
            {
                var manifest = ManifestFormat.Read(damaged);
                Assert.True(manifest.LiveDocuments >= 0 && manifest.LogicalBytes >= 0);
                Assert.NotNull(ManifestSamples.Text(manifest));
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 500, 5000);
    }

    [Fact]
    public void Impossible_contents_are_refused()
    {
        var full = ManifestSamples.Full;
        var segment = full.Segments[0];
        var treed = ManifestSamples.WithTrees;
        var tree = treed.Trees[0];
        foreach (var impossible in new[]
        {
            full with { IndexedThrough = -1 },
            full with { Version = -1 },
            ManifestSamples.WithTokens with { Tokens = [.. ManifestSamples.WithTokens.Tokens.Reverse()] },
            full with { CreatedAtMs = -1 },
            full with { UpdatedAtMs = long.MaxValue },
            full with { IndexedAtMs = -1 },
            full with { IndexedBytes = -1 },
            full with { Trims = [new TrimMark(full.IndexedThrough + 1, 5)] },
            full with { InheritedTails = [new InheritedTail("mother", 1, 0, 5)] },
            full with { InheritedTails = [new InheritedTail("mother", 1, 6, 5)] },
            full with { InheritedTails = [new InheritedTail("mother", 1, 1, long.MaxValue)] },
            full with { Segments = [segment with { Deleted = segment.Documents + 1 }] },
            full with { Segments = [segment with { DeletesKey = null }] },
            full with { Segments = [segment with { DeletesVersion = 0 }] },
            full with { Schema = EveryType.Schema(IdKind.UInt, vectors: 3) },
            treed with { Trees = [] },
            treed with { Trees = [tree, tree] },
            treed with { Trees = [tree with { Attribute = 4 }] },
            treed with { Trees = [tree, tree with { Id = 5 }] },
            treed with { Trees = [tree with { Parts = [] }] },
            treed with { Trees = [tree with { Parts = [tree.Parts[1]] }] },
            treed with { Trees = [tree with { Parts = [tree.Parts[0], tree.Parts[0]] }] },
            treed with { Trees = [tree with { Parts = [tree.Parts[0] with { Nodes = 0 }] }] },
            treed with { Trees = [tree with { Calibration = [new ProbeSetting(1, 0.9f, 0)] }] },
            treed with { Trees = [tree with { Calibration = [new ProbeSetting(1.1f, 0.9f, 1)] }] },
            treed with { Trees = [tree with { Calibration = [new ProbeSetting(1, float.NaN, 1)] }] },
            full with { Trees = [tree] },
            full with { Segments = [segment with { Trees = [new SegmentTree(3, 0), new SegmentTree(3, 0)] }] },
            full with { Segments = [segment with { Trees = [new SegmentTree(0, 0)] }] },
        })
        {
            Assert.Throws<CorruptDataException>(() => ManifestFormat.Read(ManifestSamples.Write(impossible)));
        }
    }

    /// <summary>Through the front door: a query either works on what the changed manifest says, or says what is wrong.</summary>
    [Fact]
    public async Task Changed_manifests_end_in_an_error_that_names_an_object()
    {
        await using var fixture = new EngineFixture();
        await (await fixture.OpenAsync()).WriteAsync("docs", EngineFixture.Upsert(EngineFixture.Row(1, ("a", Value.Int(1))), EngineFixture.Row(2)));
        await fixture.FlushAsync("docs");
        byte[] whole = await StoredObjects.ReadAsync(fixture.Store, Current);
        var kinds = new Dictionary<ErrorKind, int>();
        foreach (byte[] damaged in Damage.Resealed(whole, Damage.ResealEnvelope, 1500, 2))
        {
            await StoredObjects.WriteAsync(fixture.Store, Current, damaged);
            await using var engine = await PuffEngine.OpenAsync(fixture.Settings, new EngineComponents { Store = fixture.Store });
            try
            {
                await engine.QueryAsync("docs", new QueryRequest { RankBy = new OrderRank([new OrderKey("id", false)]), Limit = 10 });
            }
            catch (PuffException error)
            {
                kinds[error.Kind] = kinds.GetValueOrDefault(error.Kind) + 1;
                Assert.True(error.Kind is ErrorKind.Corrupt or ErrorKind.NotFound, $"{error.Kind}: {error.Message}");
                Assert.True(error.Kind != ErrorKind.Corrupt || error.Message.Contains("puff/ns/", StringComparison.Ordinal), error.Message);
            }
        }

        Assert.InRange(kinds[ErrorKind.Corrupt], 300, 1500);
    }

    [Fact]
    public void Pins_come_back_as_written()
    {
        var read = PinFormat.Read(PinFormat.Write(Pin));
        Assert.Equal(Pin.Keys, read.Keys);
        Assert.Equal(Pin.Tails, read.Tails);
        Assert.Empty(PinFormat.Read(PinFormat.Write(new BranchPin([], []))).Keys);
    }

    [Fact]
    public void Pins_of_version_1_are_read_and_written_unchanged()
    {
        byte[] today = PinFormat.Write(Pin);
        byte[] file = GoldenFiles.Read("pin/v1/two-keys-one-tail.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(Pin.Tails, PinFormat.Read(file).Tails);
    }

    [Fact]
    public void Damaged_pins_are_refused()
    {
        byte[] whole = PinFormat.Write(Pin);
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)))
        {
            Assert.Throws<CorruptDataException>(() => PinFormat.Read(damaged));
        }

        int refused = 0;
        foreach (byte[] damaged in Damage.Resealed(whole, Damage.ResealEnvelope, 4000, 3))
        {
            try
            {
                PinFormat.Read(damaged);
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 400, 4000);
    }

    private static Manifest Sample(string name) => name switch
    {
        "full" => ManifestSamples.Full,
        "trees" => ManifestSamples.WithTrees,
        "history" => ManifestSamples.WithHistory,
        "tokens" => ManifestSamples.WithTokens,
        "rebuilds" => ManifestSamples.WithRebuilds,
        "new" => ManifestSamples.New,
        _ => ManifestSamples.Ended,
    };
}
