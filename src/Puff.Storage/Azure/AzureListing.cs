using System.Globalization;
using System.Xml.Linq;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// One page of a listing. The service goes on only from markers that it handed out, never from a name; so the markers seen are remembered
/// (<see cref="AzureMarkers"/>), and a listing starts at the last one known to lie at or before the wanted name, at worst at the beginning.
/// </summary>
internal sealed class AzureListing(AzureClient client, AzureMarkers markers, string root, ListOptions options)
{
    private readonly List<ObjectInfo> objects = [];
    private readonly SortedSet<string> prefixes = new(ObjectKeys.Order);

    public async Task<ListPage> RunAsync(CancellationToken cancellation)
    {
        string? marker = markers.Find(Scope, options.StartAfter);

        // One more than asked for tells whether there is a next page.
        do
        {
            marker = await FetchAsync(marker, cancellation);
        }
        while (marker is not null && objects.Count + prefixes.Count <= options.Limit);
        return Cut();
    }

    private string Scope => $"{options.Prefix}\n{options.Delimiter}";

    /// <summary>Takes one answer's wanted names in, and returns the marker of the next; null at the end.</summary>
    private async Task<string?> FetchAsync(string? marker, CancellationToken cancellation)
    {
        var call = new AzureCall(HttpMethod.Get, $"LIST {options.Prefix}")
        {
            Query =
            [
                ("restype", "container"), ("comp", "list"), ("prefix", root + AzureNames.EncodePrefix(options.Prefix)),
                .. options.Delimiter is null ? [] : new[] { ("delimiter", "/") },
                .. marker is null ? [] : new[] { ("marker", marker) },
            ],
        };
        var content = (await client.SendOrThrowAsync(call, cancellation)).Content!;
        try
        {
            using var stream = new MemoryStream(content.Span.ToArray());
            return TakeIn(XElement.Load(stream));
        }
        catch (System.Xml.XmlException error)
        {
            string message = $"{call.Doing} on {client.Description} failed: the answer is no XML: {error.Message}";
            throw new StoreException(message, transient: true, outcomeUnknown: false, error);
        }
        finally
        {
            content.Release();
        }
    }

    private string? TakeIn(XElement answer)
    {
        string? last = null;
        foreach (var entry in answer.Element("Blobs")?.Elements() ?? [])
        {
            string key = AzureNames.Decode(entry.Element("Name")!.Value[root.Length..]);
            last = last is null || ObjectKeys.Compare(key, last) > 0 ? key : last;
            if (IsWanted(key) && entry.Name == "BlobPrefix")
            {
                prefixes.Add(key);
            }
            else if (IsWanted(key))
            {
                objects.Add(Info(key, entry.Element("Properties")!));
            }
        }

        string? next = answer.Element("NextMarker")?.Value is { Length: > 0 } marker ? marker : null;
        if (next is not null && last is not null)
        {
            markers.Add(Scope, last, next);
        }

        return next;
    }

    private bool IsWanted(string key) =>
        key.StartsWith(options.Prefix, StringComparison.Ordinal) && (options.StartAfter is null || ObjectKeys.Compare(key, options.StartAfter) > 0);

    private ListPage Cut()
    {
        objects.Sort((a, b) => ObjectKeys.Compare(a.Key, b.Key));
        string[] names = [.. objects.Select(info => info.Key).Concat(prefixes).Order(ObjectKeys.Order).Take(options.Limit + 1)];
        if (names.Length <= options.Limit)
        {
            return new ListPage(objects, [.. prefixes], null);
        }

        string end = names[options.Limit - 1];
        return new ListPage(
            [.. objects.Where(info => ObjectKeys.Compare(info.Key, end) <= 0)], [.. prefixes.Where(prefix => ObjectKeys.Compare(prefix, end) <= 0)], end);
    }

    private static ObjectInfo Info(string key, XElement properties)
    {
        string etag = properties.Element("Etag")!.Value;
        return new ObjectInfo(
            key,
            long.Parse(properties.Element("Content-Length")!.Value, CultureInfo.InvariantCulture),
            etag.StartsWith('"') ? etag : $"\"{etag}\"",
            DateTimeOffset.Parse(properties.Element("Last-Modified")!.Value, CultureInfo.InvariantCulture));
    }
}
