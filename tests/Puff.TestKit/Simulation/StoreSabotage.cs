namespace Puff.TestKit.Simulation;

/// <summary>A store that breaks its promises on purpose: the simulation must notice.</summary>
internal enum StoreSabotage
{
    None,

    /// <summary>One in fifty conditional puts wins although the key is taken.</summary>
    TwoWinners,

    /// <summary>One in fifty puts is confirmed and forgotten.</summary>
    ForgetsPuts,

    /// <summary>One in twenty reads of an existing log entry says that there is none.</summary>
    StaleReads,
}
