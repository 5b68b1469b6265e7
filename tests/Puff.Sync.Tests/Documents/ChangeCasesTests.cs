using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>The table of cases, on the side of conversion: lines 16 to 22 of the acceptance list (23, the batch, in <see cref="ActionMergerTests"/>).</summary>
public sealed class ChangeCasesTests
{
    private static readonly TableShape Posts = Table(Column("id", "int8"), Column("title", "text"), Column("body", "text"), Column("state", "text"));

    [Fact]
    public void Insert_update_and_delete()
    {
        Assert.Equal("Write: Upsert 1u body='b' state='s' title='t'", Decide(ChangeKind.Insert, ["1", "t", "b", "s"]));
        Assert.Equal("Write: Upsert 1u body='b' state='s'", Decide(ChangeKind.Update, ["1", null, "b", "s"]));
        Assert.Equal("Write: Delete 1u", Decide(ChangeKind.Delete, null, ["1", null, null, null], OldTupleKind.Key));
        Assert.Equal("Write: Delete 1u", Decide(ChangeKind.Delete, null, ["1", "t", "b", "s"], OldTupleKind.Full));
        Assert.Equal("Write: Upsert 1u body='b' state='s' title='t'", Decide(ChangeKind.Snapshot, ["1", "t", "b", "s"]));
    }

    [Fact]
    public void A_change_of_the_key_deletes_the_old_document_first()
    {
        const string both = "Write: Upsert 2u body='b' state='s' title='t', gone: Delete 1u";
        Assert.Equal(both, Decide(ChangeKind.Update, ["2", "t", "b", "s"], ["1", null, null, null], OldTupleKind.Key));
        Assert.Equal(both, Decide(ChangeKind.Update, ["2", "t", "b", "s"], ["1", "t", "b", "s"], OldTupleKind.Full));
        Assert.Equal("Reread key 2u, gone: Delete 1u", Decide(ChangeKind.Update, ["2", "t", Toast, "s"], ["1", null, null, null], OldTupleKind.Key));
        Assert.Equal(both, Decide(ChangeKind.Update, ["2", "t", Toast, "s"], ["1", "x", "b", "x"], OldTupleKind.Full));
        Assert.Equal("Nothing, gone: Delete 1u", Decide(ChangeKind.Update, ["2", "t", "b", "out"], ["1", null, null, null], OldTupleKind.Key, Filtered));
    }

    [Theory]
    [InlineData(false, null, "in", "Write: Upsert 1u body='b' state='in' title='t'")]
    [InlineData(false, null, "out", "Write: Delete 1u")]
    [InlineData(true, "in", "out", "Write: Delete 1u")]
    [InlineData(true, "out", "out", "Nothing")]
    [InlineData(true, "out", "in", "Write: Upsert 1u body='b' state='in' title='t'")]
    [InlineData(true, "in", "in", "Unchanged")]
    public void Rows_enter_and_leave_the_filter(bool isFull, string? before, string after, string expected)
    {
        var (old, kind) = isFull ? (new[] { "1", "t", "b", before }, OldTupleKind.Full) : (null, OldTupleKind.None);
        Assert.Equal(expected, Decide(ChangeKind.Update, ["1", "t", "b", after], old, kind, Filtered));
    }

    [Fact]
    public void Inserts_outside_of_the_filter_are_nothing_and_such_rows_of_a_reread_are_deleted()
    {
        Assert.Equal("Nothing", Decide(ChangeKind.Insert, ["1", "t", "b", "out"], cases: Filtered));
        Assert.Equal("Write: Delete 1u", Decide(ChangeKind.Snapshot, ["1", "t", "b", "out"], cases: Filtered));
    }

    [Fact]
    public void Columns_that_were_not_sent_make_a_patch_without_them()
    {
        Assert.Equal("Write: Patch 1u state='s' title='t'", Decide(ChangeKind.Update, ["1", "t", Toast, "s"]));
        Assert.Equal("Write: Patch 1u state='s' title=null", Decide(ChangeKind.Update, ["1", null, Toast, "s"]));
    }

    [Fact]
    public void The_old_row_of_identity_full_completes_the_new_one()
    {
        Assert.Equal(
            "Write: Upsert 1u body='long' state='s' title='t'", Decide(ChangeKind.Update, ["1", "t", Toast, "s"], ["1", "x", "long", "s"], OldTupleKind.Full));
        Assert.Equal("Unchanged", Decide(ChangeKind.Update, ["1", "t", Toast, "s"], ["1", "t", "long", "s"], OldTupleKind.Full));
    }

    [Fact]
    public void A_partial_row_that_may_not_have_been_in_the_filter_is_read_again()
    {
        Assert.Equal("Reread unchanged 1u", Decide(ChangeKind.Update, ["1", "t", Toast, "in"], cases: Filtered));
        Assert.Equal("Reread filter 1u", Decide(ChangeKind.Update, ["1", "t", "b", Toast], cases: Filtered));
        var byKey = Cases(filter: new Equal("id", "1"));
        Assert.Equal("Write: Patch 1u state='s' title='t'", Decide(ChangeKind.Update, ["1", "t", Toast, "s"], cases: byKey));
    }

    [Theory]
    [InlineData(nameof(UnchangedPolicy.Reread), "Reread unchanged 1u")]
    [InlineData(nameof(UnchangedPolicy.Stop), "Stop unchanged 1u")]
    [InlineData(nameof(UnchangedPolicy.OldTuple), "Stop unchanged 1u")]
    [InlineData(nameof(UnchangedPolicy.Patch), "Write: Patch 1u state='s' title='t'")]
    public void A_policy_uses_only_its_way(string policy, string expected) =>
        Assert.Equal(expected, Decide(ChangeKind.Update, ["1", "t", Toast, "s"], cases: Cases(m => m with { Unchanged = Enum.Parse<UnchangedPolicy>(policy) })));

    [Fact]
    public void A_dense_vector_is_not_patched()
    {
        var table = Table(Column("id", "int8"), Column("body", "text"), Column("v", "vector", 2));
        Assert.Equal("Reread unchanged 1u", Decide(ChangeKind.Update, ["1", Toast, "[1,2]"], cases: Cases(table: table)));
        Assert.Equal("Write: Patch 1u body='b'", Decide(ChangeKind.Update, ["1", "b", Toast], cases: Cases(table: table)));
        Assert.Equal("Write: Delete 1u", Decide(ChangeKind.Insert, ["1", "b", null], cases: Cases(table: table)));
    }

    [Fact]
    public void A_transform_is_called_with_complete_rows_and_not_for_columns_it_does_not_need()
    {
        var code = new TransformDefinition(TransformKind.TypeScript, Needs: ["title"]);
        var cases = Cases(m => m with { Transform = code });
        Assert.Equal("Transform 1u", Decide(ChangeKind.Insert, ["1", "t", "b", "s"], cases: cases));
        Assert.Equal("Transform 1u as patch", Decide(ChangeKind.Update, ["1", "t", Toast, "s"], cases: cases));
        Assert.Equal("Reread unchanged 1u", Decide(ChangeKind.Update, ["1", Toast, Toast, "s"], cases: Cases(m => m with
        {
            Transform = new TransformDefinition(TransformKind.TypeScript),
        })));
        Assert.Equal("Write: Patch 1u state='new'", Decide(ChangeKind.Update, ["1", "t", "b", "new"], ["1", "t", "b", "s"], OldTupleKind.Full, cases));
        Assert.Equal("Transform 1u", Decide(ChangeKind.Update, ["1", "new", "b", "s"], ["1", "t", "b", "s"], OldTupleKind.Full, cases));
        Assert.Equal("Unchanged", Decide(ChangeKind.Update, ["1", "t", "b", "s"], ["1", "t", "b", "s"], OldTupleKind.Full, cases));
        var onBody = Cases(m => m with { Transform = code with { RecomputeOn = ["body"] } });
        Assert.Equal("Write: Patch 1u state='s' title='t'", Decide(ChangeKind.Update, ["1", "t", Toast, "s"], cases: onBody));
    }

    [Fact]
    public void Deletes_are_kept_marked_or_shown_to_the_transform()
    {
        string?[] key = ["1", null, null, null];
        Assert.Equal("Nothing", Decide(ChangeKind.Delete, null, key, OldTupleKind.Key, Cases(m => m with { OnDelete = DeleteEvent.Keep })));
        Assert.Equal(
            "Write: Patch 1u _deleted=true", Decide(ChangeKind.Delete, null, key, OldTupleKind.Key, Cases(m => m with { OnDelete = DeleteEvent.Mark })));
        var code = new TransformDefinition(TransformKind.TypeScript, OnDelete: DeleteHandling.Call);
        Assert.Equal("Transform 1u", Decide(ChangeKind.Delete, null, key, OldTupleKind.Key, Cases(m => m with { Transform = code })));
    }

    [Fact]
    public void A_row_that_fails_says_whose_document_goes_all_the_same()
    {
        var table = Table(Column("id", "int8"), Column("n", "numeric"));
        var cases = Cases(m => m with { Attributes = new AttributeOptions { Infinity = InfinityPolicy.Fail } }, table);
        var change = Change(ChangeKind.Update, Shape(table), ["2", "NaN"], ["1", null], OldTupleKind.Key);
        var error = Assert.Throws<RowException>(() => cases.Decide(change));
        Assert.Equal(("not_finite", "2u", "Delete 1u"), (error.Code, Show(error.Id!.Value), Show(error.Gone)));
    }

    private static ChangeCases Filtered => Cases(filter: new Equal("state", "in"));

    private static ChangeCases Cases(Func<MappingDefinition, MappingDefinition>? change = null, TableShape? table = null, IRowFilter? filter = null) =>
        new(new DocumentPlan(Mapping(change), table ?? Posts).Bind(Shape(table ?? Posts)), filter);

    private static string Decide(
        ChangeKind kind, string?[]? row, string?[]? old = null, OldTupleKind oldKind = OldTupleKind.None, ChangeCases? cases = null)
    {
        var outcome = (cases ?? Cases()).Decide(Change(kind, Shape(Posts), row, old, oldKind));
        string text = outcome.Kind switch
        {
            OutcomeKind.Write => "Write: " + Show(outcome.Action),
            OutcomeKind.Reread or OutcomeKind.Stop => $"{outcome.Kind} {outcome.Cause} {Show(outcome.Id)}",
            OutcomeKind.Transform => $"Transform {Show(outcome.Id)}" + (outcome.AsPatch ? " as patch" : ""),
            _ => outcome.Kind.ToString(),
        };
        return outcome.Gone is null ? text : $"{text}, gone: {Show(outcome.Gone)}";
    }
}
