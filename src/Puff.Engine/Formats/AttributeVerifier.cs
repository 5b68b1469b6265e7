using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>Whether the part `attributes` says what the columns say: every index is made anew from its column and compared byte by byte.</summary>
internal static class AttributeVerifier
{
    private const int ChunkBytes = 1 << 20;

    private static readonly PartSection[] Sections =
    [
        PartSection.AttributeStarts, PartSection.AttributeDocuments, PartSection.AttributeBitmaps, PartSection.AttributeRows, PartSection.AttributeOrdinals,
        PartSection.Grams, PartSection.GramStarts,
    ];

    /// <exception cref="CorruptDataException">The first thing found wrong.</exception>
    public static void Walk(PartReader attributes, PartReader columns)
    {
        foreach (var entry in attributes.Entries.Where(e => e.Section == PartSection.AttributeStarts))
        {
            var attribute = new AttributeDefinition(entry.Attribute, $"#{entry.Attribute}", new AttributeType(entry.Type))
            {
                Glob = attributes.TryFind(PartSection.Grams, entry.Attribute, out _),
            };
            var reader = new ColumnsPartReader(columns);
            var column = reader.Holds(attribute) ? reader.GetColumn(attribute) : null;
            Compare(attributes, attribute, column ?? throw new CorruptDataException($"there is no column for the index of attribute {attribute.Id}"));
        }
    }

    private static void Compare(PartReader attributes, AttributeDefinition attribute, Column column)
    {
        using var part = new PartEncoder(PartKind.Attributes);
        using (var encoder = new AttributeIndexEncoder(part, attribute, column.Count))
        {
            encoder.Add(column);
            encoder.Finish();
        }

        part.Finish(column.Count);
        var expected = new PartReader(part.Buffer.Written, PartKind.Attributes);
        foreach (var section in Sections)
        {
            bool isThere = attributes.TryFind(section, attribute.Id, out var actual);
            if (isThere != expected.TryFind(section, attribute.Id, out var wanted) || actual.Count != wanted.Count
                || actual.Length != wanted.Length || !AreEqual(attributes, actual, expected, wanted))
            {
                throw new CorruptDataException($"section {section} of attribute {attribute.Id} does not say what the column says");
            }
        }
    }

    private static bool AreEqual(PartReader left, in PartEntry leftEntry, PartReader right, in PartEntry rightEntry)
    {
        for (long offset = 0; offset < leftEntry.Length; offset += ChunkBytes)
        {
            int length = (int)Math.Min(ChunkBytes, leftEntry.Length - offset);
            if (!left.Read(leftEntry, offset, length).SequenceEqual(right.Read(rightEntry, offset, length)))
            {
                return false;
            }
        }

        return true;
    }
}
