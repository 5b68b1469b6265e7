using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Puff.Workloads.Vectors;

/// <summary>Queries with strong consistency to the real binary over one kept connection, one after the other.</summary>
internal static class PuffOverHttp
{
    private const double WarmUpSeconds = 2;

    public static async Task<IReadOnlyList<RecallPoint>> RunAsync(Options options, VectorSet set, string store)
    {
        using var server = PuffBinary.Start(options, store);
        using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "bench");
        int k = options.Number("k", 10);
        var truths = GroundTruth.OfAll(set);
        var points = new List<RecallPoint>();
        foreach (var truth in options.Text("filters", "yes") == "yes" ? truths : truths.Take(1))
        {
            var samples = await QueryAsync(http, set, k, truth.Selectivity, options.Text("encoding", "base64") == "base64", options.Number("seconds", 20));
            points.Add(samples.Summarize("http strong", set, truth, k, server.Memory with { Managed = await ServerMetrics.HeapAsync(http) }));
        }

        return points;
    }

    private static async Task<QuerySamples> QueryAsync(HttpClient http, VectorSet set, int k, Selectivity filter, bool isBase64, int seconds)
    {
        var bodies = Enumerable.Range(0, set.Queries.Rows).Select(q => Body(set, q, k, filter, isBase64)).ToArray();
        var clock = Stopwatch.StartNew();
        for (int i = 0; clock.Elapsed.TotalSeconds < WarmUpSeconds; i++)
        {
            await PostAsync(http, bodies[i % bodies.Length]);
        }

        var samples = new QuerySamples();
        clock.Restart();
        for (int query = 0; query < bodies.Length && clock.Elapsed.TotalSeconds < seconds; query++)
        {
            long start = Stopwatch.GetTimestamp();
            byte[] answer = await PostAsync(http, bodies[query]);
            var latency = Stopwatch.GetElapsedTime(start);
            samples.Add(IdsOf(answer), latency);
        }

        return samples;
    }

    private static async Task<byte[]> PostAsync(HttpClient http, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await http.PostAsync($"/v2/namespaces/{PuffStore.Namespace}/query", content);
        byte[] answer = await response.Content.ReadAsByteArrayAsync();
        return response.IsSuccessStatusCode ? answer : throw new InvalidOperationException($"{(int)response.StatusCode}: {Encoding.UTF8.GetString(answer)}");
    }

    private static int[] IdsOf(byte[] answer)
    {
        using var document = JsonDocument.Parse(answer);
        return [.. document.RootElement.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("id").GetInt32())];
    }

    private static byte[] Body(VectorSet set, int query, int k, Selectivity filter, bool isBase64)
    {
        float[] vector = set.Queries.Singles(query).ToArray();
        object operand = isBase64 ? System.Runtime.InteropServices.MemoryMarshal.AsBytes(vector.AsSpan()).ToArray() : vector;
        var request = new Dictionary<string, object> { ["rank_by"] = new object[] { "vector", "ANN", operand }, ["limit"] = k };
        if (!filter.IsUnfiltered)
        {
            request["filters"] = new object[] { "bucket", "Lt", filter.Below };
        }

        return JsonSerializer.SerializeToUtf8Bytes(request);
    }
}
