using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

/// <summary>A bit set does what an array of booleans does, whatever is done to it.</summary>
public sealed class BitSetTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(1_000)]
    public void Random_operations_equal_an_array(int count)
    {
        var random = new Random(count);
        var set = new BitSet(count);
        var model = new bool[count];
        for (int step = 0; step < 300; step++)
        {
            ApplyOne(random, set, model);
            AssertEqual(model, set);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70)]
    [InlineData(128)]
    public void A_new_set_is_full_or_empty(int count)
    {
        AssertEqual(new bool[count], new BitSet(count));
        AssertEqual([.. Enumerable.Repeat(true, count)], new BitSet(count, value: true));
    }

    [Fact]
    public void A_clone_is_independent()
    {
        var original = new BitSet(10) { [3] = true };
        var clone = original.Clone();
        clone[3] = false;
        clone[4] = true;
        Assert.True(original[3]);
        Assert.False(original[4]);
    }

    [Fact]
    public void Slices_and_cleared_ranges_equal_those_of_an_array()
    {
        var random = new Random(7);
        for (int round = 0; round < 500; round++)
        {
            int count = random.Next(1, 300), first = random.Next(count), length = random.Next(count - first + 1);
            var set = new BitSet(count);
            bool[] model = [.. Enumerable.Range(0, count).Select(i => set[i] = random.Next(2) == 0)];
            AssertEqual(model[first..(first + length)], set.Slice(first, length));
            set.Clear(first, first + length);
            Array.Clear(model, first, length);
            AssertEqual(model, set);
        }
    }

    private static void ApplyOne(Random random, BitSet set, bool[] model)
    {
        int count = model.Length;
        bool[] otherModel = [.. Enumerable.Range(0, count).Select(_ => random.Next(2) == 0)];
        switch (random.Next(9))
        {
            case 0:
                set.SetAll();
                Array.Fill(model, true);
                break;
            case 1:
                set.ClearAll();
                Array.Clear(model);
                break;
            case 2:
                set.Not();
                Combine(model, model, (a, _) => !a);
                break;
            case 3:
                set.And(Of(otherModel));
                Combine(model, otherModel, (a, b) => a && b);
                break;
            case 4:
                set.Or(Of(otherModel));
                Combine(model, otherModel, (a, b) => a || b);
                break;
            case 5:
                set.AndNot(Of(otherModel));
                Combine(model, otherModel, (a, b) => a && !b);
                break;
            case 6:
                set.CopyFrom(Of(otherModel));
                otherModel.CopyTo(model, 0);
                break;
            case var _ when count > 0:
                int index = random.Next(count);
                set[index] = model[index] = random.Next(2) == 0;
                break;
        }
    }

    private static void Combine(bool[] model, bool[] other, Func<bool, bool, bool> operation)
    {
        for (int i = 0; i < model.Length; i++)
        {
            model[i] = operation(model[i], other[i]);
        }
    }

    private static BitSet Of(bool[] model)
    {
        var set = new BitSet(model.Length);
        for (int i = 0; i < model.Length; i++)
        {
            set[i] = model[i];
        }

        return set;
    }

    private static void AssertEqual(bool[] model, BitSet set)
    {
        Assert.Equal(model.Length, set.Count);
        Assert.Equal(model, Enumerable.Range(0, set.Count).Select(i => set[i]));
        Assert.Equal(model.Count(bit => bit), set.PopCount());
        var found = new List<int>();
        for (int i = set.NextSet(0); i >= 0; i = set.NextSet(i + 1))
        {
            found.Add(i);
        }

        Assert.Equal(Enumerable.Range(0, model.Length).Where(i => model[i]), found);
        Assert.Equal(-1, set.NextSet(set.Count));
        if (set.Count % 64 != 0)
        {
            Assert.Equal(0UL, set.Words[^1] >> set.Count % 64);
        }
    }
}
