using System.Globalization;

namespace Puff.Sync.Changes;

/// <summary>
/// Where a row change stands in the stream: the commit LSN of its transaction, and its ordinal among all row changes of the transaction (1, 2, 3 …; 0 stands
/// before the first). Ordered by commit, then ordinal; the LSN of a single message is not ordered across transactions and is never used.
/// </summary>
public readonly record struct SyncPosition(Lsn Commit, uint Ordinal) : IComparable<SyncPosition>
{
    /// <summary>Characters of <see cref="ToString"/>.</summary>
    public const int TextLength = 25;

    public int CompareTo(SyncPosition other)
    {
        int order = Commit.CompareTo(other.Commit);
        return order != 0 ? order : Ordinal.CompareTo(other.Ordinal);
    }

    public static bool operator <(SyncPosition left, SyncPosition right) => left.CompareTo(right) < 0;

    public static bool operator >(SyncPosition left, SyncPosition right) => left.CompareTo(right) > 0;

    public static bool operator <=(SyncPosition left, SyncPosition right) => left.CompareTo(right) <= 0;

    public static bool operator >=(SyncPosition left, SyncPosition right) => left.CompareTo(right) >= 0;

    public static bool TryParse(ReadOnlySpan<char> text, out SyncPosition position)
    {
        position = default;
        if (text.Length != TextLength || text[16] != '/'
            || !ulong.TryParse(text[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong lsn)
            || !uint.TryParse(text[17..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint ordinal))
        {
            return false;
        }

        position = new SyncPosition(new Lsn(lsn), ordinal);
        return true;
    }

    /// <summary>The form of the attribute `_sync_position`: fixed width, so that text order is the order of positions.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Commit.Value:X16}/{Ordinal:X8}");
}
