using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Server.Turbopuffer;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: a body of documents is read in little more than the time its numbers take. Method: 500 documents with a 768-dimensional vector and three attributes
/// each, parsed over and over to rows, beside a stock reader that only steps over the tokens.
/// </summary>
internal static class BodyReport
{
    private const int Documents = 500;
    private const int Dimensions = 768;
    private const int Rounds = 40;

    private static readonly NamespaceSchema Known = new(IdKind.UInt, DistanceMetric.CosineDistance,
    [
        new AttributeDefinition(1, "vector", new AttributeType(TypeKind.VectorF32, Dimensions)),
    ]);

    public static void Run()
    {
        Console.WriteLine($"{"form",-16}{"bytes/doc",10}{"µs/doc",9}{"docs/s",10}{"MB/s",8}{"stock µs/doc",14}{"managed B/doc",15}");
        Report("rows, json", Rows(asBase64: false));
        Report("rows, base64", Rows(asBase64: true));
        Report("columns, json", Columns(asBase64: false));
        Report("columns, base64", Columns(asBase64: true));
    }

    private static void Report(string name, byte[] body)
    {
        double own = Measure.Seconds(() => WriteParser.Parse(body, Known), Rounds) / Documents;
        double stock = Measure.Seconds(() => StepOver(body), Rounds) / Documents;
        long before = GC.GetAllocatedBytesForCurrentThread();
        WriteParser.Parse(body, Known);
        long allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Documents;
        double bandwidth = body.Length / (own * Documents) / 1e6;
        Console.WriteLine($"{name,-16}{body.Length / Documents,10}{own * 1e6,9:F2}{1 / own,10:F0}{bandwidth,8:F0}{stock * 1e6,14:F2}{allocated,15}");
    }

    private static int StepOver(byte[] body)
    {
        var reader = new Utf8JsonReader(body);
        int tokens = 0;
        while (reader.Read())
        {
            tokens++;
        }

        return tokens;
    }

    private static byte[] Rows(bool asBase64)
    {
        var random = new Random(1);
        var text = new StringBuilder("{\"upsert_rows\":[");
        for (int i = 0; i < Documents; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}{{\"id\":{i},\"vector\":{Vector(random, asBase64)}");
            text.Append(CultureInfo.InvariantCulture, $",\"title\":\"document number {i}\",\"year\":{1900 + i},\"tags\":[\"one\",\"two\"]}}");
        }

        return Encoding.UTF8.GetBytes(text.Append("],\"distance_metric\":\"cosine_distance\"}").ToString());
    }

    private static byte[] Columns(bool asBase64)
    {
        var random = new Random(1);
        var ids = Enumerable.Range(0, Documents).ToArray();
        var vectors = ids.Select(_ => Vector(random, asBase64));
        var text = new StringBuilder("{\"upsert_columns\":{");
        text.Append("\"id\":[").AppendJoin(',', ids);
        text.Append("],\"vector\":[").AppendJoin(',', vectors);
        text.Append("],\"title\":[").AppendJoin(',', ids.Select(i => $"\"document number {i}\""));
        text.Append("],\"year\":[").AppendJoin(',', ids.Select(i => 1900 + i));
        text.Append("],\"tags\":[").AppendJoin(',', ids.Select(_ => "[\"one\",\"two\"]")).Append("]}}");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Vector(Random random, bool asBase64)
    {
        float[] vector = [.. Enumerable.Range(0, Dimensions).Select(_ => random.NextSingle() - 0.5f)];
        return asBase64
            ? $"\"{Convert.ToBase64String(MemoryMarshal.AsBytes(vector.AsSpan()))}\""
            : $"[{string.Join(',', vector.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]";
    }
}
