namespace Puff.TestKit.Simulation;

/// <summary>Sees what really happens on the store, at the moment it happens, whatever the callers are told.</summary>
internal interface IStoreWitness
{
    /// <param name="key">The object.</param>
    /// <param name="content">Its new content.</param>
    /// <param name="operation">The client operation in whose flow the call was made; 0 for none.</param>
    void Written(string key, byte[] content, int operation);

    void Deleted(string key);
}

/// <summary>Which client operation the running flow belongs to; follows awaits.</summary>
internal static class ClientFlow
{
    private static readonly AsyncLocal<int> Current = new();

    public static int Operation
    {
        get => Current.Value;
        set => Current.Value = value;
    }
}
