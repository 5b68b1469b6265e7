using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Puff.Server.Tests.Durability;

/// <summary>The requests these tests make, over HTTP as any client would.</summary>
internal sealed class ClusterClient(HttpClient http, string url, string name)
{
    /// <summary>For any number of clients; without a key set any bearer token will do.</summary>
    public static HttpClient CreateHttp() => new() { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", "any") } };

    /// <summary>The whole answer of an acknowledged write; an exception for anything else.</summary>
    public async Task<JsonElement> WriteAsync(JsonObject request)
    {
        using var response = await http.PostAsJsonAsync($"{url}/v2/namespaces/{name}", request);
        string body = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<JsonElement>(body)
            : throw new HttpRequestException($"{(int)response.StatusCode}: {body}", null, response.StatusCode);
    }

    /// <summary>Every document by id, strongly consistent.</summary>
    public async Task<SortedDictionary<long, JsonElement>> ReadAllAsync()
    {
        var query = new JsonObject { ["rank_by"] = new JsonArray("id", "asc"), ["top_k"] = 10_000, ["include_attributes"] = true };
        using var response = await http.PostAsJsonAsync($"{url}/v2/namespaces/{name}/query", query);
        string body = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"{(int)response.StatusCode}: {body}", null, response.StatusCode);
        }

        var rows = JsonSerializer.Deserialize<JsonElement>(body).GetProperty("rows").EnumerateArray();
        return new SortedDictionary<long, JsonElement>(rows.ToDictionary(r => r.GetProperty("id").GetInt64()));
    }
}
