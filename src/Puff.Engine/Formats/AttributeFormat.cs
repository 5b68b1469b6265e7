using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>What the writer and the reader of the part `attributes` agree on. The numbers are part of the format.</summary>
internal static class AttributeFormat
{
    /// <summary>Single-valued attributes of at most this many different values have bitmaps in the place of lists.</summary>
    public const int MaxBitmapValues = 32;

    /// <summary>Values of attributes with at most this many different ones have their ordinals in a table.</summary>
    public const int MaxTableValues = ushort.MaxValue;

    /// <summary>More postings than this are not indexed: their columns are scanned. Bounds what a build holds in memory.</summary>
    public const int MaxPostings = 1 << 25;

    /// <summary>Text with fewer different values has no index of three-byte pieces: all values are looked at.</summary>
    public const int MinGramValues = 64;

    /// <summary>Different values of more bytes than this are not indexed.</summary>
    public const long MaxValueBytes = 1L << 30;

    private const int MinBlockPostings = 4_096;
    private const int Blocks = 16;

    /// <summary>Postings between two bitmaps of a list-shaped attribute.</summary>
    public static int BlockPostings(int documents, int postings) => Math.Max(MinBlockPostings, (Math.Max(documents, postings) + Blocks - 1) / Blocks);

    /// <summary>
    /// Bitmaps of an attribute. Few values: one between any two values. Else, single-valued: one at each multiple of the block within the postings.
    /// Arrays: one a block, unless there is only one.
    /// </summary>
    public static int BitmapCount(bool isArray, int documents, int values, int postings)
    {
        if (HasBitmapsOnly(isArray, values))
        {
            return values - 1;
        }

        int blocks = (postings + BlockPostings(documents, postings) - 1) / BlockPostings(documents, postings);
        return blocks <= 1 ? 0 : isArray ? blocks : blocks - 1;
    }

    public static bool HasBitmapsOnly(bool isArray, int values) => !isArray && values <= MaxBitmapValues;

    /// <summary>Bytes of an entry in the table of ordinals; 0 when there is no table.</summary>
    public static int OrdinalWidth(int values) => values > MaxTableValues ? 0 : values > byte.MaxValue ? 2 : 1;

    public static bool IsBytes(TypeKind kind) => kind is TypeKind.String or TypeKind.Uuid;

    public static bool HasGrams(AttributeDefinition attribute, int values) =>
        (attribute.Glob || attribute.Regex || attribute.Fuzzy) && attribute.Type.ElementKind == TypeKind.String && values >= MinGramValues;
}
