namespace Puff.Engine.Formats;

/// <summary>
/// What of a part is read by most queries before they know what else they need: tables that say where the rest lies. Fetched when a namespace is opened, and
/// copied into its opening object.
/// </summary>
internal static class OpeningSections
{
    /// <summary>Longer sections are left to the queries that need them.</summary>
    private const long MostBytes = 8 << 20;

    /// <summary>In the order of their use, if there is no room for all.</summary>
    public static IEnumerable<PartEntry> Of(PartReader part) => part.Entries
        .Where(e => e.Length > 0 && e.Length <= MostBytes && RankOf(e.Section) > 0).OrderBy(e => RankOf(e.Section));

    private static int RankOf(PartSection section) => section switch
    {
        PartSection.VectorBlocks or PartSection.CodeGroups or PartSection.CodeCentroid => 1,
        PartSection.TokenTree or PartSection.TokenListStarts => 2,
        PartSection.TextBlocks or PartSection.TextFirstTerms or PartSection.TextFacts or PartSection.TextLists => 3,
        PartSection.SparseLists or PartSection.SparseKeyOffsets or PartSection.SparseKeys => 4,
        PartSection.RowSamples => 5,
        PartSection.TextLengths => 6,
        PartSection.CodeDocuments => 7,
        PartSection.SparseBlocks => 8,
        _ => 0,
    };
}
