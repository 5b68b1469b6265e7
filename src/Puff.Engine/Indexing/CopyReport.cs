namespace Puff.Engine.Indexing;

/// <summary>What a copy of a namespace to another store did.</summary>
/// <param name="Namespace">Its name, the same in both stores.</param>
/// <param name="Epoch">The life of the source that was copied.</param>
/// <param name="Sequence">The last log entry in the copy.</param>
/// <param name="Objects">Objects copied.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="PresentObjects">Objects that were there already.</param>
/// <param name="PresentBytes">Their bytes.</param>
public sealed record CopyReport(string Namespace, string Epoch, long Sequence, int Objects, long Bytes, int PresentObjects, long PresentBytes);

/// <summary>How far a copy is.</summary>
/// <param name="Objects">Objects done.</param>
/// <param name="AllObjects">Objects there are.</param>
/// <param name="Bytes">Bytes done.</param>
/// <param name="AllBytes">Bytes there are.</param>
public sealed record CopyProgress(int Objects, int AllObjects, long Bytes, long AllBytes);

/// <summary>How a namespace is copied to another store.</summary>
public sealed record CopyOptions
{
    /// <summary>Reads back and verifies everything at the target, also what was there already; what is damaged there is copied again.</summary>
    public bool ReadBack { get; init; }

    /// <summary>Is told after every object.</summary>
    public Action<CopyProgress>? Progress { get; init; }
}
