using System.Globalization;
using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Pipelines;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Pipelines;

/// <summary>Section 24, lines 36, 37, 38, 42, 43 as far as the window decides them: which rows of a page may be applied.</summary>
public sealed class PageWindowTests
{
    private static readonly RelationShape Shape = new(1, "public", "t", ReplicaIdentity.Default, [new ColumnShape("id", 23, -1, true)]);

    [Fact]
    public void APageNobodyTouchedIsAppliedWhenTheStreamHasPassedIt()
    {
        var window = Recording();
        Hold(window, Page(Seeing(10, 20), high: 100, 1, 2, 3));
        Assert.Empty(window.Pass(new Lsn(99)));
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(100)));
        Assert.Equal([0, 1, 2], judged.Apply);
        Assert.Equal(new SyncPosition(new Lsn(100), 0), judged.Position);
        Assert.Empty(window.Pass(new Lsn(200)));
    }

    [Fact]
    public void AKeyTouchedOutsideTheSnapshotIsLeftToTheStream()
    {
        var window = Recording();
        window.Record(Key(1), 12, incomplete: false); // Ran while the page was read; streamed before it was visible.
        Hold(window, Page(Seeing(10, 20, 12), high: 100, 1, 2, 3, 4));
        window.Record(Key(2), 19, incomplete: false); // Had ended before the page was read.
        window.Record(Key(3), 20, incomplete: false);
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(100)));
        Assert.Equal([1, 3], judged.Apply);
        Assert.Equal(2, judged.Stale);
        Assert.Empty(judged.Reread);
    }

    [Fact]
    public void AnIncompleteChangeOutsideTheSnapshotAsksForTheRowAgain()
    {
        var window = Recording();
        Hold(window, Page(Seeing(10, 20), high: 100, 1, 2));
        window.Record(Key(1), 25, incomplete: true);
        window.Record(Key(1), 26, incomplete: false);
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(100)));
        Assert.Equal([1], judged.Apply);
        Assert.Equal([Key(1)], judged.Reread);
    }

    [Fact]
    public void OnAStandbyTheUnknownIsReadAgain()
    {
        var window = Recording();
        Hold(window, Page(new TransactionSnapshot(10, 20, null), high: 100, 1, 2, 3));
        window.Record(Key(1), 15, incomplete: false);
        window.Record(Key(2), 9, incomplete: true);
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(100)));
        Assert.Equal([1, 2], judged.Apply);
        Assert.Equal([Key(1)], judged.Reread);
    }

    [Fact]
    public void ATruncateOutsideTheSnapshotEmptiesThePage()
    {
        var window = Recording();
        Hold(window, Page(Seeing(10, 20), high: 100, 1, 2));
        window.RecordTruncate(20);
        Assert.Empty(Assert.Single(window.Pass(new Lsn(100))).Apply);
        Hold(window, Page(Seeing(21, 21), high: 200, 1));
        Assert.Equal([0], Assert.Single(window.Pass(new Lsn(200))).Apply);
    }

    [Fact]
    public void AKeyThatWasAskedForAndHasNoRowIsGoneUnlessTheStreamKnowsBetter()
    {
        var window = Recording();
        long ticket = window.BeginRead();
        var page = new HeldPage(Page(Seeing(10, 20), high: 100, 1), [Key(1)], [Key(1), Key(2), Key(3), Key(4), Key(2)], new NoOwner(), Weightless);
        Assert.True(window.TryHold(ticket, page));
        window.Record(Key(3), 21, incomplete: false);
        window.Record(Key(4), 21, incomplete: true);
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(100)));
        Assert.Equal([Key(2)], judged.Gone);
        Assert.Equal([Key(4)], judged.Reread);
    }

    [Fact]
    public void NoPageIsTakenUntilWhatWasStreamedBeforeIsVisible()
    {
        var window = new PageWindow();
        window.Start([7, 15]);
        long ticket = window.BeginRead();
        Assert.False(window.TryHold(ticket, Held(Page(Seeing(10, 20, 15), high: 90, 1))));
        Assert.True(window.TryHold(ticket, Held(Page(Seeing(16, 20), high: 95, 1))));
        Hold(window, Page(Seeing(14, 20, 14), high: 100, 2));
        Assert.Equal(2, window.HeldCount);
    }

    [Fact]
    public void AReadBegunBeforeAnInterruptionIsNotTaken()
    {
        var window = Recording();
        long ticket = window.BeginRead();
        window.Stop();
        window.Start([]);
        Assert.False(window.TryHold(ticket, Held(Page(Seeing(10, 20), high: 100, 1))));
    }

    [Fact]
    public void TransactionNumbersAreWidenedAcrossTheWrap()
    {
        const ulong epoch = 1UL << 32;
        var window = Recording();
        Hold(window, Page(new TransactionSnapshot(epoch - 5, epoch + 5, new HashSet<ulong> { epoch - 3 }), high: 100, 1, 2, 3));
        window.Record(Key(1), uint.MaxValue - 2, incomplete: false); // epoch - 3: was running.
        window.Record(Key(2), uint.MaxValue - 1, incomplete: false); // epoch - 2: had ended.
        window.Record(Key(3), 6, incomplete: false); // epoch + 6: began later.
        Assert.Equal([1], Assert.Single(window.Pass(new Lsn(100))).Apply);
    }

    [Fact]
    public void WhatEverySnapshotSeesIsForgottenAndNothingElse()
    {
        var window = Recording();
        for (uint i = 0; i < 5_000; i++)
        {
            window.Record(Key((int)i), i + 10, incomplete: false);
        }

        long slow = window.BeginRead();
        Hold(window, Page(Seeing(4_000, 6_000), high: 100, 1));
        window.Pass(new Lsn(100));
        Assert.Equal(5_000, window.TouchedCount); // The slow read may have an older snapshot.
        Assert.True(window.TryHold(slow, Held(Page(Seeing(2_000, 6_000, 3_000), high: 101, 2_990, 100))));
        JudgedPage judged = Assert.Single(window.Pass(new Lsn(101)));
        Assert.Equal([1], judged.Apply);
        window.AbandonRead(slow);
        for (int i = 0; i < 3; i++)
        {
            for (uint more = 0; more < 10_000; more++)
            {
                window.Record(Key(100_000 + (int)more), 4_500, incomplete: false);
            }

            Hold(window, Page(Seeing(5_500, 6_000), high: 102, 1));
            window.Pass(new Lsn(102));
        }

        Assert.Equal(0, window.TouchedCount);
    }

    /// <summary>
    /// Histories of one table, each applied twice: as the window decides, and as the database has it. Rows are their last writer's number; a page shows what
    /// its snapshot saw; the stream is applied in commit order around it.
    /// </summary>
    [Fact]
    public void PagesAndStreamTogetherGiveTheTable()
    {
        for (int seed = 0; seed < 2_000; seed++)
        {
            try
            {
                WindowHistory.Run(new Random(seed));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }
    }

    internal static RowKey Key(int id) => new([id.ToString(CultureInfo.InvariantCulture)]);

    internal static RowPage Page(TransactionSnapshot snapshot, ulong high, params int[] ids)
    {
        var rows = new ChangeBatch();
        foreach (int id in ids)
        {
            rows.Add(ChangeKind.Snapshot, Shape, 0, default, 0);
            rows.AddNew(ColumnState.Text, Encoding.UTF8.GetBytes(id.ToString(CultureInfo.InvariantCulture)));
        }

        return new RowPage(rows, snapshot, new Lsn(high), false, null);
    }

    internal static Lease Weightless => Lease.Take(new MemoryBudget(1), 0);

    internal sealed class NoOwner : PageOwner
    {
        public override void Applied(JudgedPage page, long written)
        {
        }
    }

    private static PageWindow Recording()
    {
        var window = new PageWindow();
        window.Start([]);
        return window;
    }

    private static TransactionSnapshot Seeing(ulong xmin, ulong xmax, params ulong[] running) => new(xmin, xmax, new HashSet<ulong>(running));

    internal static HeldPage Held(RowPage page) => new(page, [.. Enumerable.Range(0, page.Rows.Count).Select(i => RowKey.Of(page.Rows[i].New, [0])!.Value)],
        null, new NoOwner(), Weightless);

    private static void Hold(PageWindow window, RowPage page) => Assert.True(window.TryHold(window.BeginRead(), Held(page)));
}
