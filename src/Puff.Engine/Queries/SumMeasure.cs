using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>Adds up the values of an attribute. Documents without a value hold 0 in its column, so that they need no test.</summary>
internal abstract class SumMeasure(AttributeDefinition attribute) : Measure
{
    /// <summary>Null when no document of the set has a value.</summary>
    protected ScalarColumn? Column { get; private set; }

    protected AttributeDefinition Attribute => attribute;

    public override void Open(SetView view, bool isOnly) => Column = view.GetColumn(attribute) as ScalarColumn;

    /// <summary>The sum over a number of values.</summary>
    public abstract double Mean(int group, long values);
}

/// <summary>Exact, whatever the order: the halves of 32 bits are added apart, which cannot overflow before 2^31 documents.</summary>
internal sealed class IntegerSumMeasure(AttributeDefinition attribute, string label) : SumMeasure(attribute)
{
    private readonly bool isUnsigned = attribute.Type.Kind == TypeKind.UInt;
    private Halves[] sums = [];

    public override void Reserve(int groups) => Array.Resize(ref sums, Math.Max(sums.Length, groups));

    public override void Reset(int group) => sums[group] = default;

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (Column is null)
        {
            return;
        }

        if (isUnsigned)
        {
            AddUnsigned(Column.Values, documents, groups, sums);
        }
        else
        {
            AddSigned(Column.Values, documents, groups, sums);
        }
    }

    public override void AddAll(QueryRun run, SetView view)
    {
        if (Column is null)
        {
            return;
        }

        var sum = MaskedSum.OfIntegers(Column.Values, view.Matches, !isUnsigned);
        sums[0].Low += (uint)(UInt128)sum;
        sums[0].High += (long)(sum >> 32);
        run.RowsScanned += view.MatchCount;
    }

    /// <summary>The sum at the attribute's type; Invalid when it leaves 64 bits.</summary>
    public override Value Result(int group)
    {
        var sum = SumOf(group);
        if (isUnsigned ? sum > ulong.MaxValue : sum < long.MinValue || sum > long.MaxValue)
        {
            throw PuffException.Invalid($"the sum \"{label}\" of attribute \"{Attribute.Name}\" does not fit in 64 bits; narrow the filter or the groups");
        }

        return isUnsigned ? Value.UInt((ulong)sum) : Value.Int((long)sum);
    }

    /// <summary>Whole numbers and the rest apart, so that large sums lose nothing before the division.</summary>
    public override double Mean(int group, long values)
    {
        var (whole, rest) = Int128.DivRem(SumOf(group), values);
        return (double)whole + (double)rest / values;
    }

    private static void AddSigned(ReadOnlySpan<long> values, ReadOnlySpan<int> documents, ReadOnlySpan<int> groups, Span<Halves> sums)
    {
        for (int i = 0; i < documents.Length && i < groups.Length; i++)
        {
            long value = values[documents[i]];
            ref var sum = ref sums[groups[i]];
            sum.Low += (uint)value;
            sum.High += value >> 32;
        }
    }

    private static void AddUnsigned(ReadOnlySpan<long> values, ReadOnlySpan<int> documents, ReadOnlySpan<int> groups, Span<Halves> sums)
    {
        for (int i = 0; i < documents.Length && i < groups.Length; i++)
        {
            long value = values[documents[i]];
            ref var sum = ref sums[groups[i]];
            sum.Low += (uint)value;
            sum.High += value >>> 32;
        }
    }

    private Int128 SumOf(int group) => ((Int128)sums[group].High << 32) + sums[group].Low;

    private struct Halves
    {
        public ulong Low;
        public long High;
    }
}

/// <summary>In doubles.</summary>
internal sealed class FloatSumMeasure(AttributeDefinition attribute) : SumMeasure(attribute)
{
    private double[] sums = [];

    public override void Reserve(int groups) => Array.Resize(ref sums, Math.Max(sums.Length, groups));

    public override void Reset(int group) => sums[group] = 0;

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (Column is null)
        {
            return;
        }

        var values = Column.Values;
        var target = sums.AsSpan();
        for (int i = 0; i < documents.Length && i < groups.Length; i++)
        {
            target[groups[i]] += BitConverter.Int64BitsToDouble(values[documents[i]]);
        }
    }

    public override void AddAll(QueryRun run, SetView view)
    {
        if (Column is not null)
        {
            sums[0] += MaskedSum.OfFloats(Column.Values, view.Matches);
            run.RowsScanned += view.MatchCount;
        }
    }

    public override Value Result(int group) => Value.Float(sums[group]);

    public override double Mean(int group, long values) => sums[group] / values;
}

/// <summary>The sum over the number of values, as a double; null without values.</summary>
internal sealed class MeanMeasure(AttributeDefinition attribute, SumMeasure sum) : Measure
{
    private long[] values = [];
    private Column? column;

    public override void Reserve(int groups)
    {
        sum.Reserve(groups);
        Array.Resize(ref values, Math.Max(values.Length, groups));
    }

    public override void Reset(int group)
    {
        sum.Reset(group);
        values[group] = 0;
    }

    public override void Open(SetView view, bool isOnly)
    {
        sum.Open(view, isOnly);
        column = view.GetColumn(attribute);
    }

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        sum.Add(documents, groups);
        if (column is null)
        {
            return;
        }

        for (int i = 0; i < documents.Length; i++)
        {
            values[groups[i]] += column.Present[documents[i]] ? 1 : 0;
        }
    }

    public override void AddAll(QueryRun run, SetView view)
    {
        sum.AddAll(run, view);
        values[0] += column is null ? 0 : column.Present.PopCountOfAnd(view.Matches);
    }

    public override Value Result(int group) => values[group] == 0 ? Value.Null : Value.Float(sum.Mean(group, values[group]));
}
