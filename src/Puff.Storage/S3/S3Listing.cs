using Amazon.S3;
using Amazon.S3.Model;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>
/// One page of a listing. Servers disagree on what a start inside a folded prefix means; here it is always moved behind the whole fold, and whatever a
/// server lists at or before the wanted start is dropped.
/// </summary>
internal sealed class S3Listing(IAmazonS3 client, string bucket, string prefix, ListOptions options)
{
    /// <summary>Sorts after every character a key can go on with, but for itself; keys that begin so are folded and dropped.</summary>
    private const string Last = "\U0010FFFF";

    public async Task<ListPage> RunAsync(CancellationToken cancellation)
    {
        string? start = options.StartAfter;
        while (true)
        {
            var (page, end) = await FetchAsync(start, cancellation);
            if (page.Objects.Count + page.Prefixes.Count > 0 || end is null)
            {
                return page;
            }

            // Everything on the page was at or before the start.
            start = end;
        }
    }

    /// <summary>The wanted part of one response, and the last name on it when there are more.</summary>
    private async Task<(ListPage Page, string? End)> FetchAsync(string? start, CancellationToken cancellation)
    {
        var response = await client.ListObjectsV2Async(Request(start), cancellation);
        var objects = (response.S3Objects ?? []).Select(item => new ObjectInfo(Strip(item.Key), item.Size ?? 0, item.ETag, Time(item.LastModified)));
        var prefixes = (response.CommonPrefixes ?? []).Select(Strip);
        var page = new ListPage([.. objects.Where(info => IsWanted(info.Key))], [.. prefixes.Where(IsWanted)], null);
        if (response.IsTruncated != true)
        {
            return (page, null);
        }

        string end = objects.Select(info => info.Key).Concat(prefixes).Max(ObjectKeys.Order)!;
        return (page with { Next = end }, end);
    }

    private ListObjectsV2Request Request(string? start) => new()
    {
        BucketName = bucket,
        Prefix = prefix + options.Prefix,
        StartAfter = start is null ? null : prefix + (ObjectKeys.Fold(start, options) is { } folded ? folded + Last : start),
        Delimiter = options.Delimiter?.ToString(),
        MaxKeys = options.Limit,
    };

    private bool IsWanted(string name) => options.StartAfter is null || ObjectKeys.Compare(name, options.StartAfter) > 0;

    private string Strip(string key) => key[prefix.Length..];

    private static DateTimeOffset Time(DateTime? modified) => new((modified ?? DateTime.UnixEpoch).ToUniversalTime());
}
