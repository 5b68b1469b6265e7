using System.Buffers;

namespace Puff.Engine.Encoding;

/// <summary>How the reading of an array of numbers ended.</summary>
public enum NumberArrayStatus
{
    /// <summary>Read to its closing bracket.</summary>
    Complete,

    /// <summary>
    /// Up to <see cref="NumberArray.Offset"/> it is JSON, but there begins something else than a number, or a bracket deeper than two or beside numbers.
    /// A general reader can begin again at the opening bracket.
    /// </summary>
    NotNumbers,

    /// <summary>It is no JSON: <see cref="NumberArray.Reason"/> says why.</summary>
    Invalid,
}

/// <summary>The narrowest kind that holds every number of an array. An empty array counts as integers.</summary>
public enum NumberKind
{
    /// <summary>All are written without fraction and exponent and lie between -2^63 and 2^63 - 1.</summary>
    Integers,

    /// <summary>All are written without fraction and exponent and lie between 0 and 2^64 - 1, at least one above 2^63 - 1.</summary>
    UnsignedIntegers,

    /// <summary>At least one has a fraction or an exponent, or no 64-bit integer type holds all of them.</summary>
    Decimals,
}

/// <summary>
/// What <see cref="NumberArrayParser.Parse"/> found: one array of numbers, or an array of such arrays with all numbers in a row.
/// Refers to the bytes that were parsed, and holds a pooled buffer until it is disposed of.
/// </summary>
public ref struct NumberArray : IDisposable
{
    private readonly ReadOnlySpan<byte> json;
    private float[]? buffer;

    internal NumberArray(ReadOnlySpan<byte> json, NumberArrayStatus status, int offset, string? reason, float[] buffer)
    {
        this.json = json;
        this.buffer = buffer;
        Status = status;
        Offset = offset;
        Reason = reason;
    }

    /// <summary>Whether everything else here has a meaning: only for a complete array.</summary>
    public NumberArrayStatus Status { get; }

    /// <summary>Of a complete array the bytes consumed, from the opening bracket through the closing one; otherwise the offset of the offending byte.</summary>
    public int Offset { get; }

    /// <summary>Why the bytes are no array of numbers; null for a complete one.</summary>
    public string? Reason { get; }

    /// <summary>How many numbers there are, over all inner arrays.</summary>
    public int Count { get; internal init; }

    public NumberKind Kind { get; internal init; }

    /// <summary>True for an array of arrays.</summary>
    public bool IsNested { get; internal init; }

    /// <summary>How many inner arrays there are; 1 when not nested.</summary>
    public int Rows { get; internal init; }

    /// <summary>The length of each inner array (of the array itself when not nested); -1 when they differ.</summary>
    public int Dimensions { get; internal init; }

    /// <summary>The offset of the first number that a single cannot hold, or -1.</summary>
    public int SingleOverflowOffset { get; internal init; }

    /// <summary>The numbers, each rounded to the nearest single. Valid until disposed of.</summary>
    /// <exception cref="InvalidOperationException">One is out of range (see <see cref="SingleOverflowOffset"/>), or the array is not complete.</exception>
    public readonly ReadOnlySpan<float> Singles
    {
        get
        {
            ExpectComplete();
            return SingleOverflowOffset < 0
                ? buffer.AsSpan(0, Count)
                : throw new InvalidOperationException($"the number at offset {SingleOverflowOffset} is out of the range of f32");
        }
    }

    public void Dispose()
    {
        if (buffer != null)
        {
            ArrayPool<float>.Shared.Return(buffer);
            buffer = null;
        }
    }

    /// <summary>The numbers of an array of kind <see cref="NumberKind.Integers"/>.</summary>
    public readonly long[] ToInt64s()
    {
        ExpectComplete();
        return Kind == NumberKind.Integers ? NumberArrayParser.ReadInt64s(json, Count) : throw new InvalidOperationException($"the numbers are {Kind}");
    }

    /// <summary>The numbers of an array of integers without negative ones.</summary>
    /// <returns>Null when a number is negative or no integer.</returns>
    public readonly ulong[]? ToUInt64s()
    {
        ExpectComplete();
        return Kind == NumberKind.Decimals ? null : NumberArrayParser.ReadUInt64s(json, Count);
    }

    /// <summary>The numbers, each rounded to the nearest double.</summary>
    /// <returns>Null when a number is out of range.</returns>
    public readonly double[]? ToDoubles()
    {
        ExpectComplete();
        return NumberArrayParser.ReadDoubles(json, Count);
    }

    private readonly void ExpectComplete()
    {
        if (Status != NumberArrayStatus.Complete || buffer == null)
        {
            throw new InvalidOperationException("the array is not complete, or disposed of already");
        }
    }
}
