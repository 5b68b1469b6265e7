using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Client;
using Puff.Output;

namespace Puff.Transfer;

/// <summary>What to export and how.</summary>
/// <param name="Namespace">Source.</param>
/// <param name="IsCsv">Else ndjson.</param>
/// <param name="WithVectors">Vectors make rows long; left out by default.</param>
/// <param name="PageRows">Rows of one request.</param>
/// <param name="After">Only ids greater than this (JSON), or null.</param>
/// <param name="RowsBefore">Rows already in the target: no CSV heading then.</param>
internal sealed record ExportPlan(string Namespace, bool IsCsv, bool WithVectors, int PageRows, string? After, long RowsBefore);

/// <summary>Pages through a namespace by ascending id and writes the rows as they came.</summary>
internal sealed class Exporter(PuffClient client, ExportPlan plan)
{
    /// <param name="target">Gets whole lines.</param>
    /// <param name="progress">Told after each page, when its lines are in the target: rows done and the last id.</param>
    /// <returns>Rows done, earlier ones included.</returns>
    public async Task<long> RunAsync(TextWriter target, Action<long, string> progress, CancellationToken cancellation)
    {
        using JsonDocument schema = await client.GetAsync(PuffClient.NamespacePath(1, plan.Namespace, "/schema"), cancellation);
        var attributes = schema.RootElement.EnumerateObject().Where(attribute => attribute.Name != "id" && IsWanted(attribute));
        string[] names = [.. attributes.Select(attribute => attribute.Name).Order(StringComparer.Ordinal)];
        if (plan.IsCsv && plan.RowsBefore == 0)
        {
            await target.WriteLineAsync(Csv.Line(names.Prepend("id")));
        }

        string? after = plan.After;
        long done = plan.RowsBefore;
        while (true)
        {
            using JsonDocument page = await client.PostAsync(PuffClient.NamespacePath(2, plan.Namespace, "/query"), Request(names, after), cancellation);
            JsonElement rows = page.RootElement.GetProperty("rows");
            foreach (JsonElement row in rows.EnumerateArray())
            {
                await target.WriteLineAsync(plan.IsCsv ? CsvRow(row, names) : ResultWriter.OneLine(row));
                after = row.GetProperty("id").GetRawText();
                done++;
            }

            await target.FlushAsync(cancellation);
            if (after != null)
            {
                progress(done, after);
            }

            if (rows.GetArrayLength() < plan.PageRows)
            {
                return done;
            }
        }
    }

    // "[768]f32", "[][128]f32" and "{}f16" are vectors; "[]string" is not.
    private bool IsWanted(JsonProperty attribute)
    {
        string type = attribute.Value.GetProperty("type").GetString()!;
        bool isVector = type.StartsWith('{') || (type.StartsWith('[') && type.Any(char.IsAsciiDigit));
        return plan.WithVectors || !isVector;
    }

    private byte[] Request(string[] names, string? after)
    {
        var request = new JsonObject
        {
            ["rank_by"] = new JsonArray("id", "asc"),
            ["limit"] = plan.PageRows,
            ["include_attributes"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]),
        };
        if (after != null)
        {
            request["filters"] = new JsonArray("id", "Gt", JsonNode.Parse(after));
        }

        return JsonSerializer.SerializeToUtf8Bytes(request);
    }

    private static string CsvRow(JsonElement row, string[] names) =>
        Csv.Line(names.Prepend("id").Select(name => row.TryGetProperty(name, out JsonElement value) ? ResultWriter.Cell(value) : ""));
}
