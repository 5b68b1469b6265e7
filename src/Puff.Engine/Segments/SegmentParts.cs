using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>The mapped parts of one segment.</summary>
/// <param name="Rows">Always there, as are ids and columns.</param>
/// <param name="Vectors">Null when the namespace had no dense vectors.</param>
internal sealed record SegmentParts(MappedPart Rows, MappedPart Ids, MappedPart Columns, MappedPart? Vectors)
{
    /// <summary>Maps what the descriptor lists; parts this build does not know are left alone.</summary>
    public static async ValueTask<SegmentParts> OpenAsync(IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation)
    {
        var opened = new Dictionary<PartKind, MappedPart>();
        try
        {
            foreach (var kind in new[] { PartKind.Rows, PartKind.Ids, PartKind.Columns, PartKind.Vectors })
            {
                string name = PartFormat.NameOf(kind);
                if (descriptor.Parts.Any(p => p.Name == name))
                {
                    var expected = descriptor.Parts.First(p => p.Name == name);
                    opened.Add(kind, await MappedPart.OpenAsync(store, descriptor.KeyOf(name), kind, expected, descriptor.Documents, cancellation));
                }
                else if (kind != PartKind.Vectors)
                {
                    throw PuffException.Corrupt($"the manifest names no part {name} of segment {descriptor.KeyBase}");
                }
            }

            return new SegmentParts(
                opened[PartKind.Rows], opened[PartKind.Ids], opened[PartKind.Columns], opened.GetValueOrDefault(PartKind.Vectors));
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
    }
}
