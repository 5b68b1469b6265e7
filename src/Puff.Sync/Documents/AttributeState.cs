namespace Puff.Sync.Documents;

/// <summary>What of an attribute's declaration may change while the mapping runs: whether it is filterable. Thread-safe.</summary>
internal sealed class AttributeState(string name, bool isFilterable, Action<string> changed)
{
    private volatile bool isFilterable = isFilterable;

    public string Name { get; } = name;

    public bool IsFilterable => isFilterable;

    /// <summary>A value was too long to be filterable; from now on the attribute is not.</summary>
    public void GiveUpFilterable()
    {
        if (isFilterable)
        {
            isFilterable = false;
            changed(Name);
        }
    }
}
