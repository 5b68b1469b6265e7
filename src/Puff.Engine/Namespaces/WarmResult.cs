namespace Puff.Engine.Namespaces;

/// <summary>What loading a namespace found and did.</summary>
public sealed record WarmResult
{
    public int Segments { get; init; }

    /// <summary>Segments with a full-text index.</summary>
    public int TextSegments { get; init; }

    /// <summary>Segments with indexes for filters.</summary>
    public int FilterSegments { get; init; }

    /// <summary>Groups of vector codes, over segments and attributes.</summary>
    public int Clusters { get; init; }

    /// <summary>Log entries that are in no segment yet.</summary>
    public int LogEntries { get; init; }

    /// <summary>Bytes of segments that are here now, as far as this call looked at them; 0 on stores whose objects are mapped in place.</summary>
    public long Bytes { get; init; }

    /// <summary>GET requests for segments while the call ran.</summary>
    public long Requests { get; init; }
}
