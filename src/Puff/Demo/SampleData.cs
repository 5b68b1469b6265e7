using System.IO.Compression;
using System.Text.Json.Nodes;

namespace Puff.Demo;

/// <summary>One question of the sample: its row and its embedding.</summary>
internal sealed record Sample(JsonObject Row, float[] Vector)
{
    public string Title => Row["title"]!.GetValue<string>();
}

/// <summary>The bundled questions and answers: samples/stackexchange, which lies beside the binary.</summary>
internal static class SampleData
{
    public const int Documents = 6800;

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "samples", "stackexchange");

    /// <param name="name">"documents" or "queries".</param>
    public static IEnumerable<Sample> Read(string name)
    {
        using var rows = Open($"{name}.ndjson.gz");
        using var vectors = new MatrixFile(Path.Combine(Folder, $"{name}.vec.gz"));
        while (rows.ReadLine() is { } row)
        {
            yield return new Sample(JsonNode.Parse(row)!.AsObject(), vectors.Read());
        }
    }

    private static StreamReader Open(string file) => new(new GZipStream(File.OpenRead(Path.Combine(Folder, file)), CompressionMode.Decompress));
}
