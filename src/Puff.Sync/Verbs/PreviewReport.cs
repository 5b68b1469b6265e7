using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <summary>Shows rows and what would become of them, side by side, and counts the mappings that passed.</summary>
internal sealed class PreviewReport(ISyncConsole console)
{
    private const int ShownNumbers = 3;
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<JsonObject> results = [];
    private int passed;
    private int skipped;
    private int failed;

    /// <param name="before">The documents that are there, by the JSON of their ids; null when they were not asked for.</param>
    public void Add(LiveMapping mapping, IReadOnlyList<RowPreview> previews, IReadOnlyDictionary<string, JsonObject>? before = null)
    {
        if (previews.Count == 0)
        {
            Skip(mapping, "empty table");
            return;
        }

        console.Print(mapping.Name);
        foreach (var preview in previews)
        {
            Show(mapping, preview, before);
        }

        bool isBad = previews.Any(preview => preview.Error is not null);
        failed += isBad ? 1 : 0;
        passed += isBad ? 0 : 1;
    }

    public void Skip(LiveMapping mapping, string reason)
    {
        skipped++;
        results.Add(new JsonObject { ["mapping"] = mapping.Name, ["outcome"] = "skipped", ["reason"] = reason });
        console.Print($"{mapping.Name}: skipped ({reason})");
    }

    public void Fail(LiveMapping mapping, string error)
    {
        failed++;
        results.Add(new JsonObject { ["mapping"] = mapping.Name, ["outcome"] = "failed", ["error"] = error });
        console.Print($"{mapping.Name}: failed: {error}");
    }

    /// <summary>The last line, and the exit status.</summary>
    public SyncExit Finish()
    {
        if (console.IsForPrograms)
        {
            console.WriteRows(results);
        }

        string why = skipped == 0 ? "" : " (empty table)";
        console.Print(string.Create(CultureInfo.InvariantCulture, $"{passed} passed, {skipped} skipped{why}, {failed} failed"));
        return failed == 0 ? SyncExit.Done : SyncExit.Failed;
    }

    /// <summary>A document's attributes as JSON.</summary>
    public static JsonObject Document(IEnumerable<KeyValuePair<string, Value>> attributes) =>
        new(attributes.Select(attribute => KeyValuePair.Create(attribute.Key, Json(attribute.Value))));

    public static JsonNode? Json(Value value)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            ValueJson.Write(writer, value);
        }

        return JsonNode.Parse(buffer.ToArray());
    }

    private static JsonObject Row(RowChange change)
    {
        var row = new JsonObject();
        for (int ordinal = 0; ordinal < change.New.ColumnCount; ordinal++)
        {
            row[change.Relation.Columns[ordinal].Name] = change.New[ordinal] == ColumnState.Text ? Encoding.UTF8.GetString(change.New.Bytes(ordinal)) : null;
        }

        return row;
    }

    private void Show(LiveMapping mapping, RowPreview preview, IReadOnlyDictionary<string, JsonObject>? before)
    {
        var actions = new JsonArray([.. preview.Actions.Select(action => Action(action, before))]);
        string outcome = preview.Error is not null ? "failed" : preview.IsOutside ? "outside" : "passed";
        var row = Row(preview.Row);
        console.Print($"  row {row.ToJsonString(Relaxed)}");
        if (preview.IsOutside)
        {
            console.Print("    outside of the filter");
        }

        foreach (var action in preview.Actions)
        {
            string document = action.Operation == DocumentOperation.Delete ? "" : $" {ShortDocument(action).ToJsonString(Relaxed)}";
            console.Print($"    {action.Operation.ToString().ToLowerInvariant()} {Json(action.Id)?.ToJsonString(Relaxed)}{document}");
            foreach (string line in before is null ? [] : Difference(action, before))
            {
                console.Print($"      {line}");
            }
        }

        if (preview.Skips > 0)
        {
            console.Print("    skip");
        }

        if (preview.Error is { } error)
        {
            console.Print($"    failed: {error.ReplaceLineEndings("\n      ")}");
        }

        results.Add(new JsonObject
        {
            ["mapping"] = mapping.Name, ["outcome"] = outcome, ["row"] = row, ["actions"] = actions, ["skips"] = preview.Skips, ["error"] = preview.Error,
        });
    }

    private static JsonObject Action(DocumentAction action, IReadOnlyDictionary<string, JsonObject>? before)
    {
        var result = new JsonObject { ["action"] = action.Operation.ToString().ToLowerInvariant(), ["id"] = Json(action.Id) };
        if (action.Operation != DocumentOperation.Delete)
        {
            result["document"] = Document(action.Attributes);
        }

        if (before is not null)
        {
            result["difference"] = new JsonArray([.. Difference(action, before).Select(line => (JsonNode)line)]);
        }

        return result;
    }

    /// <summary>For people a vector is its length and its first numbers.</summary>
    private static JsonObject ShortDocument(DocumentAction action) => new(action.Attributes.Select(attribute => KeyValuePair.Create(
        attribute.Key, attribute.Value.Kind == ValueKind.VectorF32 ? (JsonNode)Short(attribute.Value.AsVectorF32) : Json(attribute.Value))));

    private static string Short(float[] vector) => string.Create(
        CultureInfo.InvariantCulture,
        $"<{vector.Length} dimensions: {string.Join(", ", vector.Take(ShownNumbers).Select(n => n.ToString("G4", CultureInfo.InvariantCulture)))} …>");

    /// <summary>What the write would change: "+ name: value" for new attributes, "- name: value" for those that go, "~ name: old → new".</summary>
    private static IEnumerable<string> Difference(DocumentAction action, IReadOnlyDictionary<string, JsonObject> before)
    {
        if (!before.TryGetValue(Json(action.Id)!.ToJsonString(), out var old))
        {
            yield return action.Operation == DocumentOperation.Delete ? "there is no such document" : "+ the document is new";
            yield break;
        }

        if (action.Operation == DocumentOperation.Delete)
        {
            yield return "- the document";
            yield break;
        }

        var now = Document(action.Attributes);
        foreach (var (name, value) in now)
        {
            bool isThere = old.TryGetPropertyValue(name, out var was);
            if (!JsonNode.DeepEquals(was, value))
            {
                yield return isThere ? $"~ {name}: {Text(was)} → {Text(value)}" : $"+ {name}: {Text(value)}";
            }
        }

        foreach (var (name, value) in action.Operation == DocumentOperation.Upsert ? old : [])
        {
            if (name != "id" && !now.ContainsKey(name) && value is not null)
            {
                yield return $"- {name}: {Text(value)}";
            }
        }
    }

    private static string Text(JsonNode? value)
    {
        const int shown = 80;
        string text = value?.ToJsonString(Relaxed) ?? "null";
        return text.Length <= shown ? text : text[..shown] + "…";
    }
}
