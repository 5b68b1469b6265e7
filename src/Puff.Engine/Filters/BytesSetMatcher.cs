using Puff.Engine.Formats;

namespace Puff.Engine.Filters;

/// <summary>The string or UUID is one of a list.</summary>
internal sealed class BytesSetMatcher : BytesValueMatcher
{
    private readonly byte[][] operands;
    private readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> set;

    public BytesSetMatcher(byte[][] operands)
    {
        this.operands = operands;
        set = new HashSet<byte[]>(operands, new ByContent()).GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public override MatcherCost Cost => MatcherCost.Bytes;

    public override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        var ordinals = new List<int>(operands.Length);
        foreach (byte[] operand in operands)
        {
            var (ordinal, isEqual) = index.Find(operand);
            if (isEqual)
            {
                ordinals.Add(ordinal);
            }
        }

        runs.AddAll(ordinals);
        return true;
    }

    protected override bool Matches(ReadOnlySpan<byte> value) => set.Contains(value);

    private sealed class ByContent : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        public bool Equals(ReadOnlySpan<byte> left, byte[] right) => left.SequenceEqual(right);

        public int GetHashCode(byte[] value) => GetHashCode(value.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> value)
        {
            var hash = new HashCode();
            hash.AddBytes(value);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> value) => value.ToArray();
    }
}
