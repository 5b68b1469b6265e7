namespace Puff.Engine.Text;

/// <summary>What searches of posting lists did in one set.</summary>
internal sealed class TextCounters
{
    /// <summary>Blocks of all lists.</summary>
    public long Blocks { get; set; }

    /// <summary>Blocks unpacked, some of them perhaps twice.</summary>
    public long BlocksRead { get; set; }

    public long Windows { get; set; }

    /// <summary>Windows whose blocks could not lift any document over the threshold.</summary>
    public long WindowsSkipped { get; set; }

    /// <summary>Documents that were looked up in further lists.</summary>
    public long Candidates { get; set; }

    /// <summary>Documents scored exactly.</summary>
    public long Scored { get; set; }
}
