using System.Text.Json.Nodes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>Decisions as they are stored with a mapping.</summary>
internal static class PlanDecisionsJson
{
    public static string Write(PlanDecisions decisions)
    {
        var filterable = new JsonObject();
        foreach (var (column, isFilterable) in decisions.Filterable.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            filterable[column] = isFilterable;
        }

        return new JsonObject
        {
            ["id"] = new JsonObject
            {
                ["columns"] = new JsonArray([.. decisions.Id.Columns.Select(column => JsonValue.Create(column))]),
                ["type"] = decisions.Id.Type.ToString().ToLowerInvariant(),
                ["hash"] = decisions.Id.IsHash,
                ["prefix"] = decisions.Id.Prefix,
            },
            ["filterable"] = filterable,
        }.ToJsonString();
    }

    /// <exception cref="SyncException">The text was not written by <see cref="Write"/>.</exception>
    public static PlanDecisions Read(string json)
    {
        try
        {
            var root = JsonNode.Parse(json)!.AsObject();
            var id = root["id"]!.AsObject();
            return new PlanDecisions(
                new IdForm(
                    [.. id["columns"]!.AsArray().Select(column => (string)column!)], Enum.Parse<IdType>((string)id["type"]!, ignoreCase: true),
                    (bool)id["hash"]!, (string)id["prefix"]!),
                root["filterable"]!.AsObject().ToDictionary(pair => pair.Key, pair => (bool)pair.Value!));
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw new SyncException(SyncExit.Failed, "state_damaged", $"A mapping's stored plan cannot be read: {error.Message}", inner: error);
        }
    }
}
