using System.Text.Json;
using System.Text.Json.Nodes;

namespace Puff.Server.Tests.Durability;

/// <summary>
/// Writes batches to documents of its own and keeps the book: what the documents must look like after the last acknowledged batch, and the one batch whose
/// outcome nobody knows, because the server died under it.
/// </summary>
internal sealed class LedgerWriter(int number, int seed)
{
    private const int Documents = 40;

#pragma warning disable RS0030 // A fixed seed.
    private readonly Random random = new(seed);
#pragma warning restore RS0030
    private readonly SortedDictionary<long, long> acknowledged = [];
    private SortedDictionary<long, long>? unknown;
    private long version;

    public long Writes { get; private set; }

    /// <summary>Writes until the server is gone.</summary>
    public async Task RunAsync(ClusterClient client, Action onAcknowledged)
    {
        while (true)
        {
            var after = new SortedDictionary<long, long>(acknowledged);
            var request = Next(after);
            unknown = after;
            try
            {
                await client.WriteAsync(request);
            }
            catch (HttpRequestException gone) when (gone.StatusCode is null)
            {
                return;
            }
            catch (IOException)
            {
                return;
            }

            Acknowledge(after);
            onAcknowledged();
        }
    }

    /// <summary>
    /// What is wrong with the documents found after a restart; null when every acknowledged batch is there whole, and the unknown one whole or not at all.
    /// </summary>
    public string? FindFault(SortedDictionary<long, JsonElement> found)
    {
        var mine = new SortedDictionary<long, long>();
        foreach (var (id, row) in found.Where(f => f.Key / 1000 == number))
        {
            long stored = row.GetProperty("version").GetInt64();
            if (row.GetProperty("twin").GetInt64() != stored)
            {
                return $"document {id} has version {stored} and twin {row.GetProperty("twin")}: a write was applied in part";
            }

            mine.Add(id, stored);
        }

        if (unknown is not null && mine.SequenceEqual(unknown))
        {
            Acknowledge(unknown);
            return null;
        }

        unknown = null;
        return mine.SequenceEqual(acknowledged)
            ? null
            : $"writer {number} finds {string.Join(' ', mine.Except(acknowledged))} where it was told {string.Join(' ', acknowledged.Except(mine))}";
    }

    private void Acknowledge(SortedDictionary<long, long> state)
    {
        acknowledged.Clear();
        foreach (var (id, value) in state)
        {
            acknowledged.Add(id, value);
        }

        unknown = null;
        Writes++;
    }

    /// <summary>A batch of upserts, patches and deletes of different documents, and what they make of the documents.</summary>
    private JsonObject Next(SortedDictionary<long, long> state)
    {
        version++;
        var upserts = new JsonArray();
        var patches = new JsonArray();
        var deletes = new JsonArray();
        foreach (long id in Enumerable.Range(0, 1 + random.Next(5)).Select(_ => number * 1000L + random.Next(Documents)).Distinct())
        {
            switch (random.Next(5))
            {
                case 0 when state.Remove(id):
                    deletes.Add(id);
                    break;
                case 1 or 2 when state.ContainsKey(id):
                    patches.Add(new JsonObject { ["id"] = id, ["version"] = version, ["twin"] = version });
                    state[id] = version;
                    break;
                default:
                    upserts.Add(new JsonObject { ["id"] = id, ["version"] = version, ["twin"] = version, ["text"] = new string('x', random.Next(2_000)) });
                    state[id] = version;
                    break;
            }
        }

        var request = new JsonObject();
        foreach (var (field, rows) in new[] { ("upsert_rows", upserts), ("patch_rows", patches), ("deletes", deletes) })
        {
            if (rows.Count > 0)
            {
                request.Add(field, rows);
            }
        }

        return request;
    }
}
