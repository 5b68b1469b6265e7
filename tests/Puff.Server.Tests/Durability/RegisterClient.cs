using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;

namespace Puff.Server.Tests.Durability;

/// <summary>Reads and compare-and-sets registers (documents with a number) through any node, and keeps the history.</summary>
internal sealed class RegisterClient(HttpClient http, string name, int registers)
{
    private readonly ConcurrentBag<(int Register, RegisterOperation Operation)> history = [];
    private long lastValue;

    public int Registers => registers;

    public int Acknowledged => history.Count(h => !h.Operation.IsUnknown && !h.Operation.IsRead && !h.Operation.Refused);

    public IEnumerable<RegisterOperation> HistoryOf(int register) => history.Where(h => h.Register == register).Select(h => h.Operation);

    /// <summary>All registers hold 0 afterwards.</summary>
    public Task CreateAsync(string url) => new ClusterClient(http, url, name).WriteAsync(new JsonObject
    {
        ["upsert_rows"] = new JsonArray([.. Enumerable.Range(1, registers).Select(i => (JsonNode)new JsonObject { ["id"] = i, ["n"] = 0L })]),
    });

    /// <summary>Reads all registers, then writes to one of them over what was read.</summary>
    /// <returns>False when the node did not say.</returns>
    public async Task<bool> StepAsync(string url, int register) =>
        await ReadAsync(url) is { } values && await WriteAsync(url, register, values[register]);

    /// <summary>The values by register, from 1; null when the node does not answer.</summary>
    /// <exception cref="InvalidOperationException">An answer that no fault of a store explains, as that the namespace were absent.</exception>
    public async Task<IReadOnlyDictionary<int, long>?> ReadAsync(string url)
    {
        long invoked = Stopwatch.GetTimestamp();
        try
        {
            var rows = await new ClusterClient(http, url, name).ReadAllAsync();
            long returned = Stopwatch.GetTimestamp();
            var values = rows.ToDictionary(r => (int)r.Key, r => r.Value.GetProperty("n").GetInt64());
            foreach (var (register, value) in values)
            {
                history.Add((register, new RegisterOperation(invoked, returned, null, value, false)));
            }

            return values.Count == registers ? values : throw new InvalidOperationException($"{values.Count} of {registers} registers were found");
        }
        catch (Exception failure) when (IsExcused(failure))
        {
            return null;
        }
    }

    private async Task<bool> WriteAsync(string url, int register, long expected)
    {
        long value = Interlocked.Increment(ref lastValue);
        long invoked = Stopwatch.GetTimestamp();
        try
        {
            var answer = await new ClusterClient(http, url, name).WriteAsync(new JsonObject
            {
                ["patch_rows"] = new JsonArray(new JsonObject { ["id"] = register, ["n"] = value }),
                ["patch_condition"] = new JsonArray("n", "Eq", expected),
            });
            bool isDone = answer.GetProperty("rows_affected").GetInt64() == 1;
            history.Add((register, new RegisterOperation(invoked, Stopwatch.GetTimestamp(), expected, value, !isDone)));
            return true;
        }
        catch (Exception failure) when (IsExcused(failure))
        {
            history.Add((register, new RegisterOperation(invoked, long.MaxValue, expected, value, false)));
            return false;
        }
    }

    /// <summary>A node that is gone, or that says it cannot reach its store; anything else is a fault of Puff's.</summary>
    private static bool IsExcused(Exception failure) => failure switch
    {
        HttpRequestException request => request.StatusCode is null or HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests,
        IOException or TaskCanceledException => true,
        _ => false,
    };
}
