namespace Puff.TestKit.Simulation;

/// <summary>What the store may do to a call instead of the right thing.</summary>
internal enum Fate
{
    Served,

    /// <summary>Fails before anything happens, and says so.</summary>
    Refused,

    /// <summary>Happens; the reply is lost.</summary>
    ReplyLost,

    /// <summary>The caller sees a failure; it happens later all the same, perhaps much later.</summary>
    Late,

    /// <summary>The caller sees a failure of unknown outcome; it never happens.</summary>
    Vanished,

    /// <summary>Happens, and once more later.</summary>
    Twice,

    /// <summary>The caller dies as it sends it; it happens later, perhaps much later.</summary>
    LastWords,
}

/// <summary>How often a simulated store misbehaves, in per mille of the calls, and how slow it is.</summary>
internal sealed record FaultProfile
{
    public int Refused { get; init; }

    public int ReplyLost { get; init; }

    public int Late { get; init; }

    public int Vanished { get; init; }

    public int Twice { get; init; }

    public int LastWords { get; init; }

    /// <summary>Calls that take seconds instead of milliseconds.</summary>
    public int Slow { get; init; }

    /// <summary>Longest a late or repeated call stays on its way.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(200);

    public static FaultProfile None { get; } = new();

    /// <summary>Each seed gets a profile of its own: some stores only lose replies, some do everything.</summary>
    public static FaultProfile Draw(Random random) => new()
    {
        Refused = Some(random, 20),
        ReplyLost = Some(random, 30),
        Late = Some(random, 20),
        Vanished = Some(random, 10),
        Twice = Some(random, 20),
        LastWords = Some(random, 3),
        Slow = Some(random, 40),
        LongestDelay = TimeSpan.FromSeconds(random.Next(1, 250)),
    };

    public Fate FateOf(Random random, bool writes)
    {
        int number = random.Next(1000);
        if ((number -= Refused) < 0)
        {
            return Fate.Refused;
        }

        if ((number -= ReplyLost) < 0)
        {
            return Fate.ReplyLost;
        }

        if (!writes)
        {
            return Fate.Served;
        }

        if ((number -= Late) < 0)
        {
            return Fate.Late;
        }

        if ((number -= Vanished) < 0)
        {
            return Fate.Vanished;
        }

        if ((number -= Twice) < 0)
        {
            return Fate.Twice;
        }

        return number - LastWords < 0 ? Fate.LastWords : Fate.Served;
    }

    /// <summary>How long a message takes in one direction.</summary>
    public TimeSpan Latency(Random random) =>
        TimeSpan.FromMicroseconds(random.Next(1000) < Slow ? random.Next(100_000, 8_000_000) : random.Next(500, 30_000));

    /// <summary>How long a stray message is on its way: mostly short, sometimes very long.</summary>
    public TimeSpan Straying(Random random) =>
        random.Next(2) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 2_000)) : TimeSpan.FromMilliseconds(random.Next(1, (int)LongestDelay.TotalMilliseconds));

    private static int Some(Random random, int most) => random.Next(3) == 0 ? 0 : random.Next(most);
}
