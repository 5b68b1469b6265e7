using Puff.Engine.Formats;

namespace Puff.TestKit.Simulation;

/// <summary>The state after something was committed.</summary>
/// <param name="Step">When.</param>
/// <param name="IsVisible">False for a state between two requests of one entry, which no read may see but a request may have met.</param>
internal sealed record TruthState(long Step, ModelState State, bool IsVisible);

/// <summary>What one namespace really is, moment by moment: read off the store's own history, with the meaning of the clients' requests.</summary>
internal sealed class NamespaceTruth(NamespaceKeys keys)
{
    private readonly List<TruthState> states = [new(0, ModelState.Absent, true)];

    public NamespaceKeys Keys { get; } = keys;

    public Manifest? Manifest { get; set; }

    /// <summary>The last entry of the present epoch.</summary>
    public long LastSequence { get; set; }

    /// <summary>The present epoch's last entry is a deletion.</summary>
    public bool IsEnded { get; set; }

    public ModelState Now => states[^1].State;

    public IReadOnlyList<TruthState> States => states;

    /// <summary>Steps at which a deletion was committed and no client has claimed it yet.</summary>
    public List<long> Deletions { get; } = [];

    /// <summary>Steps at which settings were committed, with their value.</summary>
    public List<(long Step, bool ReadOnly)> Settings { get; } = [];

    public void Add(long step, ModelState state, bool isVisible) => states.Add(new TruthState(step, state, isVisible));

    /// <summary>The states in force at some moment of an interval of steps.</summary>
    public IEnumerable<ModelState> During(long from, long to, bool withInvisible = false)
    {
        int first = states.FindLastIndex(s => s.Step <= from && s.IsVisible);
        return states.Skip(first).TakeWhile(s => s.Step <= to).Where(s => s.IsVisible || withInvisible).Select(s => s.State);
    }

    /// <summary>Every visible state up to a moment.</summary>
    public IEnumerable<ModelState> Until(long step) => states.TakeWhile(s => s.Step <= step).Where(s => s.IsVisible).Select(s => s.State);
}
