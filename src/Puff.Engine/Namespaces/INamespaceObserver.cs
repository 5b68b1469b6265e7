namespace Puff.Engine.Namespaces;

/// <summary>Told about things that background work may want to do something about. Calls come often, from under locks, and must return at once.</summary>
internal interface INamespaceObserver
{
    /// <summary>An entry was applied.</summary>
    void TailGrew(Namespace changed);
}
