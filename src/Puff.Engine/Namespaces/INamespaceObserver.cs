namespace Puff.Engine.Namespaces;

/// <summary>Told about things that background work may want to do something about. Calls come often, from under locks, and must return at once.</summary>
internal interface INamespaceObserver
{
    /// <summary>An entry was applied.</summary>
    void TailGrew(Namespace changed);

    /// <summary>Checked searches find too little in a tree, although they aim as high as can be.</summary>
    void RecallStaysLow(Namespace changed, ulong tree)
    {
    }
}
