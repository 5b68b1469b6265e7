namespace Puff.Engine.Indexing;

/// <summary>The work behind jobs of the queue, as whoever takes them sees it.</summary>
internal interface IIndexWork
{
    /// <summary>Indexes a namespace soon, in the order of the calls, and merges it afterwards if need be.</summary>
    void Begin(string name);

    /// <summary>Trains a tree of a namespace anew, soon, in which too little is found.</summary>
    void Rebuild(string name, ulong tree);

    /// <summary>Whether something is under way or planned for a namespace.</summary>
    bool IsWorkingOn(string name);

    /// <summary>Plans nothing more for a namespace; what is under way goes on.</summary>
    void Drop(string name);
}
