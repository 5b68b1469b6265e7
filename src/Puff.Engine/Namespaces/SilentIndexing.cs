namespace Puff.Engine.Namespaces;

/// <summary>Indexes nothing: for a namespace that is opened for one query.</summary>
internal sealed class SilentIndexing : INamespaceObserver
{
    public static SilentIndexing Instance { get; } = new();

    public void TailGrew(Namespace changed)
    {
    }
}
