using Puff.Engine.Schema;

namespace Puff.Engine.Tests.Filters;

/// <summary>Plain .NET values as a parser of JSON would hand them over.</summary>
internal static class Operands
{
    public static Value Of(object? value) => value switch
    {
        null => Value.Null,
        Value ready => ready,
        bool flag => Value.Bool(flag),
        int number => Value.Int(number),
        long number => Value.Int(number),
        ulong number => number > long.MaxValue ? Value.UInt(number) : Value.Int((long)number),
        double number => Value.Float(number),
        string text => Value.String(text),
        bool[] flags => Value.Array(flags),
        int[] numbers => Value.Array(Array.ConvertAll(numbers, n => (long)n)),
        // The runtime lets an array of ulong pass as one of long.
        ulong[] numbers when value.GetType() == typeof(ulong[]) => Value.Array(numbers),
        long[] numbers => Value.Array(numbers),
        double[] numbers => Value.Array(numbers),
        string[] texts => Value.StringArray(Array.ConvertAll(texts, System.Text.Encoding.UTF8.GetBytes)),
        _ => throw new ArgumentException($"no operand is made of a {value.GetType()}"),
    };
}
