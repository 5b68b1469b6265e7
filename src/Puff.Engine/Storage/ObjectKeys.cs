namespace Puff.Engine.Storage;

/// <summary>What a key may look like and how keys are ordered: the same for every store.</summary>
public static class ObjectKeys
{
    public const int MaxBytes = 1024;

    /// <summary>Throws <see cref="ArgumentException"/> when <paramref name="key"/> is not a legal key (see <see cref="IObjectStore"/>).</summary>
    public static void Validate(string key)
    {
        string? fault = FindFault(key);
        if (fault is not null)
        {
            throw new ArgumentException($"object key '{key}' {fault}", nameof(key));
        }
    }

    /// <summary>Whether <see cref="Validate(string)"/> would let the key pass.</summary>
    internal static bool IsLegal(string key) => FindFault(key) is null;

    /// <summary>Throws <see cref="ArgumentException"/> for a limit outside 1..1000 or a delimiter other than '/'.</summary>
    public static void Validate(ListOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Limit, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Limit, 1000, nameof(options));
        if (options.Delimiter is not (null or '/'))
        {
            throw new ArgumentException($"keys can only be folded at '/', not at '{options.Delimiter}'", nameof(options));
        }
    }

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> for a negative offset or length.</summary>
    public static void Validate(GetOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Offset ?? 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Length ?? 0, nameof(options));
    }

    /// <summary>The part of an object of <paramref name="total"/> bytes that a range means: clipped to the object, empty at and beyond its end.</summary>
    public static (long Offset, long Length) Clip(GetOptions options, long total)
    {
        long offset = Math.Min(options.Offset ?? 0, total);
        return (offset, Math.Min(options.Length ?? long.MaxValue, total - offset));
    }

    /// <summary>
    /// Bytewise order of the UTF-8 forms, which is the order of code points. UTF-16 differs from it in one place only:
    /// surrogates (U+10000 and up) sort before U+E000..U+FFFF there, so the two ranges are swapped.
    /// </summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        return Rank(left[common]).CompareTo(Rank(right[common]));
    }

    /// <summary><see cref="Compare"/> as a comparer.</summary>
    public static IComparer<string> Order { get; } = Comparer<string>.Create(Compare);

    /// <summary>
    /// The folded prefix, delimiter included, that <paramref name="key"/> falls into, or null when it is listed by itself.
    /// </summary>
    public static string? Fold(string key, ListOptions options)
    {
        if (options.Delimiter is not { } delimiter || !key.StartsWith(options.Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        int end = key.IndexOf(delimiter, options.Prefix.Length);
        return end < 0 ? null : key[..(end + 1)];
    }

    private static int Rank(char c) => c < 0xD800 ? c : c < 0xE000 ? c + 0x2000 : c - 0x800;

    private static string? FindFault(string key)
    {
        if (key.Length == 0)
        {
            return "is empty";
        }

        if (HasLoneSurrogate(key))
        {
            return "is not valid Unicode";
        }

        if (System.Text.Encoding.UTF8.GetByteCount(key) > MaxBytes)
        {
            return $"is longer than {MaxBytes} bytes";
        }

        foreach (var range in key.AsSpan().Split('/'))
        {
            if (key.AsSpan()[range] is "" or "." or "..")
            {
                return "has an empty, '.' or '..' part";
            }
        }

        return null;
    }

    private static bool HasLoneSurrogate(string key)
    {
        for (int i = 0; i < key.Length; i++)
        {
            if (char.IsSurrogate(key[i]) && (i + 1 == key.Length || !char.IsSurrogatePair(key[i], key[++i])))
            {
                return true;
            }
        }

        return false;
    }
}
