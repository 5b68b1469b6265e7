namespace Puff.Sync.Documents;

/// <summary>What conversion changed silently, of one mapping. Thread-safe.</summary>
internal sealed class ConversionCounters
{
    private long numericRounded;
    private long textReplaced;
    private long nonFinite;
    private long arrayNullsDropped;
    private long textsTruncated;
    private long flattenedDropped;

    /// <summary>Numerics with more digits than a double holds.</summary>
    public long NumericRounded => Interlocked.Read(ref numericRounded);

    /// <summary>Texts with bytes that are no UTF-8, replaced.</summary>
    public long TextReplaced => Interlocked.Read(ref textReplaced);

    /// <summary>Infinities, NaN and years out of range, written as null.</summary>
    public long NonFinite => Interlocked.Read(ref nonFinite);

    public long ArrayNullsDropped => Interlocked.Read(ref arrayNullsDropped);

    public long TextsTruncated => Interlocked.Read(ref textsTruncated);

    /// <summary>Keys of flattened values beyond the limit, or of another type than the key had before.</summary>
    public long FlattenedDropped => Interlocked.Read(ref flattenedDropped);

    public void CountNumericRounded() => Interlocked.Increment(ref numericRounded);

    public void CountTextReplaced() => Interlocked.Increment(ref textReplaced);

    public void CountNonFinite() => Interlocked.Increment(ref nonFinite);

    public void CountArrayNulls(int count) => Interlocked.Add(ref arrayNullsDropped, count);

    public void CountTruncated() => Interlocked.Increment(ref textsTruncated);

    public void CountFlattenedDropped() => Interlocked.Increment(ref flattenedDropped);
}
