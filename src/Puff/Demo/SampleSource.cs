using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Transfer;

namespace Puff.Demo;

/// <summary>The sample's documents as rows to import: attributes and the embedding as base64.</summary>
internal sealed class SampleSource : IRowSource
{
    private readonly IEnumerator<Sample> samples = SampleData.Read("documents").GetEnumerator();
    private int read;

    public double? Fraction => Math.Min(1, (double)read / SampleData.Documents);

    public IReadOnlyDictionary<string, string> Types { get; } = new Dictionary<string, string>();

    /// <summary>What inference could not know.</summary>
    public static JsonObject Schema() => new()
    {
        ["vector"] = new JsonObject { ["type"] = "[768]f16", ["ann"] = true },
        ["title"] = new JsonObject { ["type"] = "string", ["full_text_search"] = new JsonObject { ["stemming"] = true, ["remove_stopwords"] = true } },
    };

    public ReadOnlyMemory<byte>? Read()
    {
        if (!samples.MoveNext())
        {
            return null;
        }

        read++;
        JsonObject row = samples.Current.Row;
        row["vector"] = Convert.ToBase64String(MemoryMarshal.AsBytes<float>(samples.Current.Vector));
        return JsonSerializer.SerializeToUtf8Bytes(row);
    }

    public void Dispose() => samples.Dispose();
}
