using System.Security.Cryptography;
using System.Text;

namespace Puff.Storage.Azure;

/// <summary>Blocks, and a block list that makes them the blob. What an unfinished writer sent, the service removes after a week.</summary>
internal sealed class AzureBlockWriter(AzureBlobStore store, string key) : PartedObjectWriter(key, MaxBlocks)
{
    public const int MaxBlocks = 50_000;

    /// <summary>Tells the blocks of this writer from those of another that writes the same blob.</summary>
    private readonly string writer = RandomNumberGenerator.GetHexString(16);
    private readonly List<string> blocks = [];

    protected override async Task<string> PutWholeAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        (await store.RepeatOrThrowAsync(store.PutCall(Key, content), cancellation)).ETag!;

    protected override Task PutPartAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        // Named here and not when it has arrived: blocks overtake one another.
        string block = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{writer}{number:D6}"));
        blocks.Add(block);
        var call = store.BlobCall(HttpMethod.Put, Key, "uploading a block of") with
        {
            Query = [("comp", "block"), ("blockid", block)],
            Body = content,
        };
        return store.RepeatOrThrowAsync(call, cancellation);
    }

    protected override async Task<string> JoinPartsAsync(CancellationToken cancellation)
    {
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        foreach (string block in blocks)
        {
            list.Append("<Latest>").Append(block).Append("</Latest>");
        }

        var call = store.BlobCall(HttpMethod.Put, Key, "completing the upload of") with
        {
            Query = [("comp", "blocklist")],
            Body = Encoding.ASCII.GetBytes(list.Append("</BlockList>").ToString()),
        };
        return (await store.RepeatOrThrowAsync(call, cancellation)).ETag!;
    }
}
