namespace Puff.Engine.Segments;

/// <summary>
/// The order of a new segment's documents, and which attributes get codes. Documents are numbered by groups of the first attribute with codes, so that a group
/// is a range of documents; those without a vector come last. Slots of other attributes name their documents.
/// </summary>
internal sealed class SegmentLayout
{
    private readonly int[]? order;

    private SegmentLayout(int[]? order, IReadOnlyList<CodedAttribute> attributes)
    {
        this.order = order;
        Attributes = attributes;
    }

    public IReadOnlyList<CodedAttribute> Attributes { get; }

    /// <summary>Multi-vector attributes whose token vectors get codes, in the order of documents.</summary>
    public IReadOnlyList<LateInteractionVectors> LateInteraction { get; init; } = [];

    /// <param name="documents">Documents of the source.</param>
    /// <param name="groupings">One an attribute, the one that gives the order first. Attributes without any vector are left out.</param>
    /// <param name="lateInteraction">Multi-vector attributes that get codes.</param>
    public static SegmentLayout Create(
        int documents, IReadOnlyList<VectorGrouping> groupings, IReadOnlyList<LateInteractionVectors>? lateInteraction = null)
    {
        var attributes = new List<CodedAttribute>();
        int[]? order = null;
        int[]? numbers = null;
        foreach (var grouping in groupings.Where(g => g.Vectors.Count > 0))
        {
            if (attributes.Count == 0)
            {
                var primary = CodedAttribute.Aligned(grouping);
                order = OrderBy(documents, primary);
                attributes.Add(primary);
            }
            else
            {
                numbers ??= Invert(order, documents);
                attributes.Add(CodedAttribute.Unaligned(grouping, numbers));
            }
        }

        return new SegmentLayout(order, attributes) { LateInteraction = lateInteraction ?? [] };
    }

    /// <summary>The documents in their new order.</summary>
    public ISegmentSource Arrange(ISegmentSource source) => order is null ? source : new PermutedSource(source, order);

    /// <summary>Number in the source of a document of the new segment.</summary>
    public int SourceOf(int document) => order is null ? document : order[document];

    /// <summary>Null when the order of the source stays.</summary>
    private static int[]? OrderBy(int documents, CodedAttribute primary)
    {
        var vectors = primary.Grouping.Vectors;
        var order = new int[documents];
        var placed = new bool[documents];
        int next = 0;
        bool isSame = true;
        foreach (int vector in primary.Slots)
        {
            int document = vectors.DocumentOf(vector);
            isSame &= document == next;
            placed[document] = true;
            order[next++] = document;
        }

        for (int document = 0; document < documents; document++)
        {
            if (!placed[document])
            {
                order[next++] = document;
            }
        }

        // Documents without a vector keep their order: if those with one come first already, nothing moves.
        return isSame ? null : order;
    }

    private static int[] Invert(int[]? order, int documents)
    {
        var numbers = new int[documents];
        for (int number = 0; number < documents; number++)
        {
            numbers[order is null ? number : order[number]] = number;
        }

        return numbers;
    }
}

/// <summary>The codes of one attribute in a new segment: which vector has which slot, and where groups begin.</summary>
internal sealed class CodedAttribute
{
    private CodedAttribute(VectorGrouping grouping, int[] slots, int[]? documents)
    {
        Grouping = grouping;
        Slots = slots;
        Documents = documents;
        Groups = GroupsOf(grouping, slots);
    }

    public VectorGrouping Grouping { get; }

    /// <summary>Number of the vector in each slot.</summary>
    public IReadOnlyList<int> Slots { get; }

    /// <summary>The document of each slot; null when aligned.</summary>
    public int[]? Documents { get; }

    /// <summary>Node and number of slots of each group.</summary>
    public IReadOnlyList<(int Node, int Count)> Groups { get; }

    /// <summary>Slot i will be document i.</summary>
    public static CodedAttribute Aligned(VectorGrouping grouping) => new(grouping, Sort(grouping, null), null);

    /// <param name="grouping">The vectors.</param>
    /// <param name="numbers">New number of each document of the source: within a group slots follow it, so that memory is read forwards.</param>
    public static CodedAttribute Unaligned(VectorGrouping grouping, int[] numbers)
    {
        int[] slots = Sort(grouping, numbers);
        return new CodedAttribute(grouping, slots, Array.ConvertAll(slots, v => numbers[grouping.Vectors.DocumentOf(v)]));
    }

    private static int[] Sort(VectorGrouping grouping, int[]? numbers)
    {
        var slots = new int[grouping.Vectors.Count];
        var keys = new long[slots.Length];
        for (int vector = 0; vector < slots.Length; vector++)
        {
            slots[vector] = vector;
            keys[vector] = ((long)grouping.RankOf(vector) << 32) | (uint)(numbers is null ? vector : numbers[grouping.Vectors.DocumentOf(vector)]);
        }

        Array.Sort(keys, slots);
        return slots;
    }

    private static List<(int Node, int Count)> GroupsOf(VectorGrouping grouping, int[] slots)
    {
        var groups = new List<(int Node, int Count)>();
        for (int start = 0; start < slots.Length;)
        {
            int node = grouping.NodeOf(slots[start]);
            int end = start + 1;
            while (end < slots.Length && grouping.NodeOf(slots[end]) == node)
            {
                end++;
            }

            groups.Add((node, end - start));
            start = end;
        }

        return groups;
    }
}
