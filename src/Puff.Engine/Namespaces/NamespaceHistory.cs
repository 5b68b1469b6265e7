using System.Globalization;

namespace Puff.Engine.Namespaces;

/// <summary>A moment of a namespace: a time, or right after an entry of its log.</summary>
/// <remarks>
/// Times are those of commits, by the clock of the node that committed; in the log of a namespace they never go back. Every entry committed up to the time is
/// included, none after.
/// </remarks>
public sealed record RestoreMoment
{
    private RestoreMoment()
    {
    }

    /// <summary>Null when an entry is meant.</summary>
    public DateTimeOffset? Time { get; private init; }

    /// <summary>Names the life of the namespace: <see cref="HistorySpan.Epoch"/>.</summary>
    public string? Epoch { get; private init; }

    /// <summary>The last entry included.</summary>
    public long Sequence { get; private init; }

    public static RestoreMoment At(DateTimeOffset time) => new() { Time = time };

    public static RestoreMoment After(string epoch, long sequence) => new() { Epoch = epoch, Sequence = sequence };

    /// <summary>A time by ISO 8601 (UTC where it names no offset), or "{epoch}/{sequence}".</summary>
    /// <exception cref="PuffException">Invalid: the text is neither.</exception>
    public static RestoreMoment Parse(string text)
    {
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!text.Contains('/') && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, utc, out var time))
        {
            return At(time);
        }

        return text.Split('/') is [{ Length: 16 } epoch, var number]
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long sequence)
            ? After(epoch, sequence)
            : throw PuffException.Invalid($"\"{text}\" is neither a time such as 2026-01-31T09:30:00Z nor a moment such as 0123456789abcdef/42");
    }

    public override string ToString() => Time is { } time
        ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) : $"{Epoch}/{Sequence}";
}

/// <summary>The moments a namespace can be restored to.</summary>
/// <param name="Namespace">Its name.</param>
/// <param name="Spans">Oldest first; every moment in them can be restored. Where they do not meet, the namespace did not exist.</param>
public sealed record NamespaceHistory(string Namespace, IReadOnlyList<HistorySpan> Spans);

/// <summary>Moments that are restored from one manifest.</summary>
/// <param name="Epoch">Names a life of the namespace, from its creation to its deletion.</param>
/// <param name="From">The first moment: when entry <paramref name="FirstSequence"/> was committed, or the creation.</param>
/// <param name="Through">When the last entry was committed; the state after it holds on until the next span.</param>
/// <param name="FirstSequence">The last log entry the manifest has indexed; 0 for none.</param>
/// <param name="LastSequence">The last log entry that can be asked for here.</param>
/// <param name="IsEnded">The namespace was deleted by the entry after it.</param>
/// <param name="Documents">Documents in the segments of the manifest.</param>
public sealed record HistorySpan(
    string Epoch, DateTimeOffset From, DateTimeOffset Through, long FirstSequence, long LastSequence, bool IsEnded, long Documents);

/// <summary>What a restored namespace is.</summary>
/// <param name="Namespace">Its name.</param>
/// <param name="Epoch">The life of the source it was taken from.</param>
/// <param name="Sequence">The last log entry of the source in it.</param>
/// <param name="At">When that was committed.</param>
/// <param name="Documents">How many documents it has.</param>
public sealed record RestoreResult(string Namespace, string Epoch, long Sequence, DateTimeOffset At, long Documents);
