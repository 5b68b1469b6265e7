using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>The mapped parts of one segment.</summary>
/// <param name="Rows">Always there, as are ids and columns.</param>
/// <param name="Vectors">Null when the namespace had no dense vectors.</param>
/// <param name="Codes">Null when the segment has no codes.</param>
/// <param name="Sparse">Null when the namespace had no indexed sparse vectors, or the segment was written before there were indexes.</param>
/// <param name="Text">The same for full-text attributes.</param>
/// <param name="Attributes">The same for attributes that a filter may name.</param>
internal sealed record SegmentParts(
    MappedPart Rows, MappedPart Ids, MappedPart Columns, MappedPart? Vectors, MappedPart? Codes, MappedPart? Sparse, MappedPart? Text,
    MappedPart? Attributes)
{
    private static readonly PartKind[] Kinds =
    [
        PartKind.Rows, PartKind.Ids, PartKind.Columns, PartKind.Vectors, PartKind.Codes, PartKind.Sparse, PartKind.Text,
        PartKind.Attributes,
    ];

    public IEnumerable<MappedPart> All => ((MappedPart?[])[Rows, Ids, Columns, Vectors, Codes, Sparse, Text, Attributes]).OfType<MappedPart>();

    /// <summary>Maps what the descriptor lists; parts this build does not know are left alone.</summary>
    public static async ValueTask<SegmentParts> OpenAsync(IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation)
    {
        var opened = new Dictionary<PartKind, MappedPart>();
        try
        {
            foreach (var kind in Kinds)
            {
                string name = PartFormat.NameOf(kind);
                if (descriptor.Parts.Any(p => p.Name == name))
                {
                    var expected = descriptor.Parts.First(p => p.Name == name);
                    opened.Add(kind, await MappedPart.OpenAsync(store, descriptor.KeyOf(name), kind, expected, descriptor.Documents, cancellation));
                }
                else if (kind is PartKind.Rows or PartKind.Ids or PartKind.Columns)
                {
                    throw PuffException.Corrupt($"the manifest names no part {name} of segment {descriptor.KeyBase}");
                }
            }

            return new SegmentParts(
                opened[PartKind.Rows], opened[PartKind.Ids], opened[PartKind.Columns], opened.GetValueOrDefault(PartKind.Vectors),
                opened.GetValueOrDefault(PartKind.Codes), opened.GetValueOrDefault(PartKind.Sparse), opened.GetValueOrDefault(PartKind.Text),
                opened.GetValueOrDefault(PartKind.Attributes));
        }
        catch
        {
            foreach (var part in opened.Values)
            {
                part.Release();
            }

            throw;
        }
    }

    public void Release()
    {
        Rows.Release();
        Ids.Release();
        Columns.Release();
        Vectors?.Release();
        Codes?.Release();
        Sparse?.Release();
        Text?.Release();
        Attributes?.Release();
    }
}
