using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.House;

/// <summary>
/// Numbers that reach storage only grow: an old number never gets a new meaning, or old objects would be misread.
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
    public void PartKind_keeps_its_numbers() => AssertNumbers<PartKind>("Rows=1 Ids=2 Columns=3 Vectors=4");

    [Fact]
    public void PartSection_keeps_its_numbers() => AssertNumbers<PartSection>(
        "Rows=1 RowOffsets=2 Ids=3 IdOffsets=4 SortedIds=5 SortedDocuments=6 IdFilter=7 Present=8 Values=9 Starts=10 Offsets=11 Bytes=12 " +
        "Vectors=13 VectorBlocks=14");

    [Fact]
    public void OperationKind_keeps_its_numbers() => AssertNumbers<OperationKind>("Upsert=1 Patch=2 Delete=3");

    [Fact]
    public void WalSection_keeps_its_numbers() => AssertNumbers<WalSection>("Schema=1 Operations=2 Vectors=3 Settings=4");

    [Fact]
    public void WalEntryFlags_keep_their_numbers() => AssertNumbers<WalEntryFlags>(
        "None=0 DeletesNamespace=1 ChangesSchema=2 ChangesDocuments=4 ChangesSettings=8 All=15");

    private static void AssertNumbers<TEnum>(string expected)
        where TEnum : struct, Enum =>
        Assert.Equal(expected.Split(' '), Enum.GetValues<TEnum>().Select(value => $"{value}={Convert.ToInt64(value, null)}"));
}
