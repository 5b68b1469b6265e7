using System.Buffers.Binary;
using System.Reflection;
using System.Text.RegularExpressions;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.House;

/// <summary>
/// Numbers and keys that reach storage only grow: an old number never gets a new meaning, or old objects would be misread.
/// A new member is added here together with its format.
/// </summary>
public class PersistedNumbersTests
{
    [Fact]
    public void TypeKind_keeps_its_numbers() => AssertNumbers<TypeKind>(
        "String=1 Int=2 UInt=3 Float=4 Bool=5 Uuid=6 DateTime=7 Bytes=8 " +
        "StringArray=17 IntArray=18 UIntArray=19 FloatArray=20 BoolArray=21 UuidArray=22 DateTimeArray=23 UnknownArray=31 " +
        "VectorF32=32 VectorF16=33 VectorI8=34 MultiVectorF32=40 MultiVectorF16=41 SparseF16=48");

    [Fact]
    public void IdKind_keeps_its_numbers() => AssertNumbers<IdKind>("UInt=1 Uuid=2 String=3");

    [Fact]
    public void DistanceMetric_keeps_its_numbers() => AssertNumbers<DistanceMetric>("CosineDistance=1 EuclideanSquared=2");

    [Fact]
    public void PartKind_keeps_its_numbers() => AssertNumbers<PartKind>("Rows=1 Ids=2 Columns=3 Vectors=4 Codes=5 Sparse=6 Text=7 Attributes=8");

    [Fact]
    public void PartSection_keeps_its_numbers() => AssertNumbers<PartSection>(
        "Rows=1 RowOffsets=2 Ids=3 IdOffsets=4 SortedIds=5 SortedDocuments=6 IdFilter=7 Present=8 Values=9 Starts=10 Offsets=11 Bytes=12 " +
        "Vectors=13 VectorBlocks=14 CodeGroups=15 Codes=16 CodeDocuments=17 CodeCentroid=18 " +
        "SparsePostings=19 SparseBlocks=20 SparseLists=21 SparseKeyOffsets=22 SparseKeys=23 TextData=24 TextBlocks=25 TextFirstTerms=26 "
        + "TextLengths=27 TextFacts=28 "
        + "AttributeStarts=29 AttributeDocuments=30 AttributeBitmaps=31 AttributeRows=32 AttributeOrdinals=33 Grams=34 GramStarts=35 "
        + "TokenTree=36 TokenListStarts=37 TokenListDocuments=38 RowSamples=39 TextLists=40");

    [Fact]
    public void OperationKind_keeps_its_numbers() => AssertNumbers<OperationKind>("Upsert=1 Patch=2 Delete=3");

    [Fact]
    public void WalSection_keeps_its_numbers() => AssertNumbers<WalSection>("Schema=1 Operations=2 Vectors=3 Settings=4 Tokens=5");

    [Fact]
    public void WalEntryFlags_keep_their_numbers() => AssertNumbers<WalEntryFlags>(
        "None=0 DeletesNamespace=1 ChangesSchema=2 ChangesDocuments=4 ChangesSettings=8 ChangesTokens=16 All=31");

    [Fact]
    public void Schema_options_keep_their_numbers() => AssertNumbers<SchemaFormat.Options>(
        "Filterable=1 Regex=2 Glob=4 Fuzzy=8 Ann=16 LateInteraction=32 SparseKnn=64 FullText=128 Stemming=256 RemoveStopwords=512 CaseSensitive=1024 " +
        "AsciiFolding=2048 IndexPrefixes=4096");

    [Fact]
    public void Part_names_are_parts_of_keys() =>
        Assert.Equal("rows ids columns vectors codes sparse text attributes", string.Join(' ', Enum.GetValues<PartKind>().Select(PartFormat.NameOf)));

    [Fact]
    public void Measures_of_the_layouts_stay() => Assert.Equal(
        "block 65536 of 2^16, alignment 64, part header 64, entry header 80, its table 32 each, at most 64 sections, envelope 8 and 4",
        $"block {PartFormat.BlockBytes} of 2^{PartFormat.BlockShift}, alignment {PartFormat.Alignment}, part header {PartFormat.HeaderBytes}, " +
        $"entry header {WalEntryFormat.HeaderBytes}, its table {WalEntryFormat.TableEntryBytes} each, at most {WalEntryFormat.MaxSections} sections, " +
        $"envelope {Envelope.HeaderBytes} and {Envelope.TrailerBytes}");

    // Four bytes of magic and a u16 version, as files written by each version have them. That this program still writes the newest one is tested with the formats.
    [Theory]
    [InlineData("attributes", "PUFP", 2)]
    [InlineData("columns", "PUFP", 2)]
    [InlineData("deletes", "PUFD", 1)]
    [InlineData("ids", "PUFP", 2)]
    [InlineData("codes", "PUFP", 2)]
    [InlineData("manifest", "PMAN", 5)]
    [InlineData("pin", "PPIN", 1)]
    [InlineData("rows", "PUFP", 2)]
    [InlineData("sparse", "PUFP", 2)]
    [InlineData("text", "PUFP", 2)]
    [InlineData("tree", "PTRE", 1)]
    [InlineData("vectors", "PUFP", 2)]
    [InlineData("wal-entry", "PWAL", 2)]
    public void Magic_and_version_stand_first(string format, string magic, int newest)
    {
        string[] files = [.. Repository.Files($"tests/golden/{format}", ".bin")];
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            byte[] content = File.ReadAllBytes(Repository.Resolve(file));
            Assert.Equal(magic, System.Text.Encoding.ASCII.GetString(content.AsSpan(0, 4)));
            Assert.Equal(file.Split('/')[3], $"v{BinaryPrimitives.ReadUInt16LittleEndian(content.AsSpan(4))}");
        }

        Assert.Contains(files, file => file.StartsWith($"tests/golden/{format}/v{newest}/", StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => file.StartsWith($"tests/golden/{format}/v{newest + 1}/", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_format_with_samples_is_in_the_list()
    {
        string[] headless = ["row"];
        // What Postgres sends is recorded there, too; its numbers are not ours.
        string[] foreign = ["pgoutput"];
        string[] listed = [.. typeof(PersistedNumbersTests).GetMethod(nameof(Magic_and_version_stand_first))!
            .GetCustomAttributesData().Where(a => a.AttributeType == typeof(InlineDataAttribute))
            .Select(a => (string)((IReadOnlyList<CustomAttributeTypedArgument>)a.ConstructorArguments[0].Value!)[0].Value!)];
        Assert.Equal(
            Repository.Files("tests/golden", ".bin").Select(file => file.Split('/')[2]).Distinct().Order(StringComparer.Ordinal),
            listed.Concat(headless).Concat(foreign).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Keys_stay_where_they_are()
    {
        var keys = new NamespaceKeys("puff", "docs");
        Assert.Equal("puff/ns/docs/", keys.Folder);
        Assert.Equal("puff/ns/docs/current", keys.Current);
        Assert.Equal("puff/ns/docs/wal/00000000000000ff/00000000000000000012", keys.WalEntry(255, 12));
        Assert.Equal("puff/ns/docs/wal/ffffffffffffffff/09223372036854775807", keys.WalEntry(ulong.MaxValue, long.MaxValue));
        Assert.Equal("puff/ns/docs/seg/abc", keys.SegmentBase("abc"));
        Assert.Equal("puff/ns/docs/seg/abc.rows", new SegmentDescriptor { KeyBase = keys.SegmentBase("abc"), Documents = 1, LogicalBytes = 1, Parts = [] }.KeyOf("rows"));
        Assert.Equal("puff/ns/docs/tree/00000000000000ff.0000000012.000000000000000a", keys.TreePart(255, 12, 10));
        Assert.Equal("puff/ns/docs/pin/child.0000000000000007", keys.Pin("child", 7));
        Assert.Equal("puff/ns/docs/history/00000000000000ff/00000000000000000012", keys.History(255, 12));
        Assert.Equal("ns/docs/", new NamespaceKeys("", "docs").Folder);
        Assert.Equal("puff/ns/%2E%2E/current", new NamespaceKeys("puff", "..").Current);
        Assert.Equal("puff", new EngineSettings().Root);
    }

    [Fact]
    public async Task Every_object_of_a_living_namespace_has_a_known_key()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", EngineFixture.Upsert(EngineFixture.Row(1), EngineFixture.Row(2), EngineFixture.Row(3)));
        Assert.True(await fixture.FlushAsync("docs"));
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [Value.Int(2)] });
        Assert.True(await fixture.FlushAsync("docs"));
        await engine.WriteAsync("docs", EngineFixture.Upsert(EngineFixture.Row(4)));
        await engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "docs" });

        const string Base = "puff/ns/[A-Za-z0-9_.-]+/";
        string[] patterns =
        [
            $"^{Base}current$",
            $"^{Base}wal/[0-9a-f]{{16}}/[0-9]{{20}}$",
            $"^{Base}history/[0-9a-f]{{16}}/[0-9]{{20}}$",
            $@"^{Base}seg/[0-9a-z]+\.(rows|ids|columns|vectors|codes)$",
            $@"^{Base}seg/[0-9a-z]+\.del\.[0-9]+\.[0-9a-f]{{16}}$",
            $@"^{Base}pin/[A-Za-z0-9_.-]+\.[0-9a-f]{{16}}$",
        ];
        var stored = await fixture.KeysAsync("");
        Assert.DoesNotContain(stored, key => !patterns.Any(pattern => Regex.IsMatch(key, pattern)));
        Assert.DoesNotContain(patterns, pattern => !stored.Any(key => Regex.IsMatch(key, pattern)));
    }

    private static void AssertNumbers<TEnum>(string expected)
        where TEnum : struct, Enum =>
        Assert.Equal(expected.Split(' '), Enum.GetValues<TEnum>().Select(value => $"{value}={Convert.ToInt64(value, null)}"));
}
