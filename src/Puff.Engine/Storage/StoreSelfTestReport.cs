namespace Puff.Engine.Storage;

/// <summary>How one check of the self-test went.</summary>
public enum StoreVerdict
{
    Passed,
    /// <summary>The store broke a promise: data would be lost on it.</summary>
    Failed,
    /// <summary>The store did not answer, or with an error that may pass, so that nothing can be said.</summary>
    Unreachable,
    /// <summary>Left out, because an earlier check did not pass.</summary>
    NotRun,
    /// <summary>The store turned the request away and will again: wrong keys, missing rights, no such bucket.</summary>
    Refused,
}

/// <param name="Name">What was tried, as in "If-None-Match".</param>
/// <param name="Verdict">How it went.</param>
/// <param name="Detail">What was seen, with the remedy; empty when passed.</param>
public sealed record StoreCheck(string Name, StoreVerdict Verdict, string Detail);

/// <param name="Store">The store's description.</param>
/// <param name="Checks">In the order they were made.</param>
public sealed record StoreSelfTestReport(string Store, IReadOnlyList<StoreCheck> Checks)
{
    public bool Passed => Checks.All(check => check.Verdict == StoreVerdict.Passed);

    /// <summary>
    /// Throws for the first check that did not pass: Invalid when the store broke a promise (it will again: choose another store) or refuses the requests
    /// (until keys, rights or address are others), Unavailable when it could not be asked.
    /// </summary>
    public void ThrowIfFailed()
    {
        if (Checks.FirstOrDefault(check => check.Verdict != StoreVerdict.Passed) is { } check)
        {
            var kind = check.Verdict is StoreVerdict.Failed or StoreVerdict.Refused ? ErrorKind.Invalid : ErrorKind.Unavailable;
            throw new PuffException(kind, $"the object store {Store} did not pass the start-up check '{check.Name}': {check.Detail}");
        }
    }
}
