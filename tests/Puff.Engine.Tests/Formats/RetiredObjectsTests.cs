using Puff.Engine.Formats;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>What was given up is remembered in few words, and never as given up earlier than it was.</summary>
public sealed class RetiredObjectsTests
{
    private const string Folder = "puff/ns/docs/seg/";
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    [Fact]
    public void A_segment_is_one_item_and_covers_what_was_given_up_of_it_before()
    {
        IReadOnlyList<RetiredObject> list = RetiredObjects.Add([], [], [Folder + "a.del.1.00ff", Folder + "b.del.1.00ff"]);
        list = RetiredObjects.Add(list, [Segment("a")], [Folder + "a.del.2.00aa"]);

        Assert.Equal([new RetiredObject(Folder + "b.del.", 0, 1), new RetiredObject(Folder + "a.", 0)], list);
        var index = new RetiredIndex(RetiredObjects.Dated(list, 7, Grace));
        Assert.All(["a.rows", "a.ids", "a.del.1.00ff", "a.del.2.00aa", "b.del.1.00ff"], name => Assert.Equal(7, index.Find(Folder + name)));
        Assert.All(["ab.rows", "b.rows", "b.del.2.00ff", "b.del.x.00ff", "c"], name => Assert.Null(index.Find(Folder + name)));
    }

    [Fact]
    public void A_branch_gives_up_the_parents_segment_and_its_own_bitmaps_of_it()
    {
        var segment = Segment("a") with { DeletesKey = "puff/ns/child/seg/a.del.3.00ff", DeletesVersion = 3 };
        Assert.Equal([Folder + "a.", "puff/ns/child/seg/a."], RetiredObjects.Add([], [segment], []).Select(r => r.Key));
    }

    [Fact]
    public void Bitmaps_given_up_all_day_are_as_many_items_as_there_are_parts_of_grace()
    {
        IReadOnlyList<RetiredObject> list = [];
        long now = 1_700_000_000_000;
        var givenUp = new Dictionary<string, long>();
        for (int version = 1; version <= 1_800; version++, now += 2_000)
        {
            string key = $"{Folder}a.del.{version}.{version:x16}";
            givenUp.Add(key, now);
            list = RetiredObjects.Dated(RetiredObjects.Add(list, [], [key]), now, Grace);
        }

        Assert.InRange(list.Count, 10, 18);
        var index = new RetiredIndex(list);
        long slot = (long)Grace.TotalMilliseconds / 16;
        Assert.All(givenUp, item => Assert.InRange(index.Find(item.Key)!.Value, item.Value, item.Value + slot));
    }

    [Fact]
    public void Trim_marks_stay_few_and_never_free_an_entry_early()
    {
        IReadOnlyList<TrimMark> marks = [new TrimMark(0, 0)];
        var given = new List<TrimMark>();
        long now = 1_700_000_000_000;
        for (long through = 1; through <= 7_200; through++, now += 2_000)
        {
            given.Add(new TrimMark(through, now));
            marks = TrimMark.Dated([.. marks, new TrimMark(through, 0)], now, Grace);
        }

        Assert.InRange(marks.Count, 10, 20);
        Assert.Contains(marks, m => m.Through == 0);
        Assert.Equal(7_200, marks.Max(m => m.Through));
        foreach (var mark in marks.Where(m => m.Through > 0))
        {
            Assert.True(given[(int)mark.Through - 1].PublishedAtMs <= mark.PublishedAtMs);
        }
    }

    private static SegmentDescriptor Segment(string id) =>
        new() { KeyBase = Folder + id, Documents = 3, LogicalBytes = 9, Parts = [new SegmentPart("rows", 5), new SegmentPart("ids", 1)] };
}
