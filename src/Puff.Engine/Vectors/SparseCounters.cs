namespace Puff.Engine.Vectors;

/// <summary>What a sparse search has done, for plans and tests.</summary>
internal sealed class SparseCounters
{
    /// <summary>Queries answered by decoding every document, for want of an index.</summary>
    public int Scans { get; set; }

    /// <summary>Queries answered from the index.</summary>
    public int Searches { get; set; }

    /// <summary>Dimensions of the query that a set has.</summary>
    public int Lists { get; set; }

    /// <summary>Blocks of those lists.</summary>
    public long Blocks { get; set; }

    /// <summary>Blocks unpacked; one unpacked again counts again.</summary>
    public long BlocksRead { get; set; }

    /// <summary>Ranges of documents with a match.</summary>
    public long Windows { get; set; }

    /// <summary>Those no document of which could enter the result.</summary>
    public long WindowsSkipped { get; set; }

    /// <summary>Documents scored exactly.</summary>
    public long Scored { get; set; }
}
