using Puff.Engine.Schema;

namespace Puff.TestKit.Queries;

/// <summary>Values as the specification orders them: null below everything, numbers by number, false before true, strings and UUIDs bytewise.</summary>
internal static class PlainValues
{
    /// <summary>Elements of an array; none of null.</summary>
    public static IEnumerable<Value> Elements(Value value) => value.Kind switch
    {
        ValueKind.Null or ValueKind.EmptyArray => [],
        ValueKind.BoolArray => value.AsBools.Select(Value.Bool),
        ValueKind.IntArray => value.AsInts.Select(Value.Int),
        ValueKind.UIntArray => value.AsUInts.Select(Value.UInt),
        ValueKind.FloatArray => value.AsFloats.Select(Value.Float),
        ValueKind.DateTimeArray => value.AsInts.Select(Value.DateTime),
        ValueKind.StringArray => value.AsBytesArray.Select(Value.Utf8),
        ValueKind.UuidArray => value.AsBytesArray.Select(Value.Uuid),
        _ => throw new NotSupportedException($"{value.Kind} is no array"),
    };

    public static bool AreEqual(Value left, Value right)
    {
        if (left.IsNull || right.IsNull || !left.IsArray)
        {
            return left.IsNull == right.IsNull && (left.IsNull || Compare(left, right) == 0);
        }

        var ours = Elements(left).ToArray();
        var theirs = Elements(right).ToArray();
        return ours.Length == theirs.Length && ours.Zip(theirs).All(pair => Compare(pair.First, pair.Second) == 0);
    }

    public static int Compare(Value left, Value right)
    {
        if (left.IsNull || right.IsNull)
        {
            return (left.IsNull ? 0 : 1) - (right.IsNull ? 0 : 1);
        }

        return left.Kind switch
        {
            ValueKind.Bool => left.AsBool.CompareTo(right.AsBool),
            ValueKind.Int => left.AsInt.CompareTo(right.AsInt),
            ValueKind.UInt => left.AsUInt.CompareTo(right.AsUInt),
            ValueKind.Float => left.AsFloat < right.AsFloat ? -1 : left.AsFloat > right.AsFloat ? 1 : 0,
            ValueKind.DateTime => left.AsDateTime.CompareTo(right.AsDateTime),
            _ => left.AsBytes.AsSpan().SequenceCompareTo(right.AsBytes),
        };
    }

    /// <summary>What tells values of one attribute apart, and what tests print.</summary>
    public static string Text(Value value) => value.Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Bool => value.AsBool ? "true" : "false",
        ValueKind.Int => value.AsInt.ToString(),
        ValueKind.UInt => value.AsUInt.ToString(),
        ValueKind.Float => (value.AsFloat + 0.0).ToString("R"),
        ValueKind.DateTime => value.AsDateTime.ToString(),
        ValueKind.String => $"\"{value.AsString}\"",
        _ => Convert.ToHexString(value.AsBytes),
    };

    /// <summary>A number or a time as a number; null for null.</summary>
    public static double? Number(Value value) => value.Kind switch
    {
        ValueKind.Null => null,
        ValueKind.Int => value.AsInt,
        ValueKind.UInt => value.AsUInt,
        ValueKind.Float => value.AsFloat,
        ValueKind.DateTime => value.AsDateTime,
        _ => throw new NotSupportedException($"{value.Kind} is no number"),
    };
}
