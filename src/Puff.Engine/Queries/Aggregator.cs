using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>Counts and sums over all matching documents.</summary>
internal static class Aggregator
{
    public static IReadOnlyList<KeyValuePair<string, Value>> Run(QueryRun run, BoundAggregate aggregate)
    {
        long count = 0;
        var sums = new Sum[aggregate.Sums.Count];
        foreach (var view in run.Views)
        {
            count += view.MatchCount;
            for (int i = 0; i < sums.Length; i++)
            {
                run.Cancellation.ThrowIfCancellationRequested();
                if (view.GetColumn(aggregate.Sums[i]) is ScalarColumn column)
                {
                    AddColumn(run, view, column, ref sums[i]);
                }
            }
        }

        return Results(aggregate, count, sums);
    }

    /// <summary>The labelled values of one row of aggregates.</summary>
    public static IReadOnlyList<KeyValuePair<string, Value>> Results(BoundAggregate aggregate, long count, Sum[] sums)
    {
        var results = new KeyValuePair<string, Value>[aggregate.Functions.Count];
        for (int i = 0; i < results.Length; i++)
        {
            var (label, sum) = aggregate.Functions[i];
            results[i] = new(label, sum < 0 ? Value.Int(count) : sums[sum].ToValue(aggregate.Sums[sum], label));
        }

        return results;
    }

    private static void AddColumn(QueryRun run, SetView view, ScalarColumn column, ref Sum sum)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        run.RowsScanned += view.MatchCount;
        switch (column.Kind)
        {
            case TypeKind.Float:
                sum.Add(MaskedSum.OfFloats(column.Values, view.Matches));
                break;
            default:
                sum.Add(MaskedSum.OfIntegers(column.Values, view.Matches, isSigned: column.Kind != TypeKind.UInt));
                break;
        }
    }
}

/// <summary>A running sum: integers exact, so that their order does not matter; floats as doubles.</summary>
internal struct Sum
{
    private Int128 integer;
    private double number;

    public void Add(TypeKind kind, long bits)
    {
        switch (kind)
        {
            case TypeKind.Float:
                number += BitConverter.Int64BitsToDouble(bits);
                break;
            case TypeKind.UInt:
                integer += unchecked((ulong)bits);
                break;
            default:
                integer += bits;
                break;
        }
    }

    public void Add(Int128 integers) => integer += integers;

    public void Add(double numbers) => number += numbers;

    public void Add(in Sum other)
    {
        integer += other.integer;
        number += other.number;
    }

    /// <summary>The sum at the attribute's type; Invalid when an integer sum leaves its 64 bits.</summary>
    public readonly Value ToValue(AttributeDefinition attribute, string label)
    {
        bool isUnsigned = attribute.Type.Kind == TypeKind.UInt;
        if (attribute.Type.Kind == TypeKind.Float)
        {
            return Value.Float(number);
        }

        if (isUnsigned ? integer > ulong.MaxValue : integer < long.MinValue || integer > long.MaxValue)
        {
            throw PuffException.Invalid($"the sum \"{label}\" of attribute \"{attribute.Name}\" does not fit in 64 bits; narrow the filter or the groups");
        }

        return isUnsigned ? Value.UInt((ulong)integer) : Value.Int((long)integer);
    }
}
