using System.Text.Json;
using Puff.Engine.Encoding;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: numbers are read many times as fast as by the stock reader. Method: one 768-dimensional vector as JSON text, parsed to singles over and over by
/// both, best of several rounds.
/// </summary>
internal static class ParseReport
{
    private const int Repeats = 60;
    private const int Rounds = 60;

    public static void Run()
    {
        Console.WriteLine($"{"text",-10}{"bytes/number",14}{"ns/number",11}{"MB/s",8}{"Utf8JsonReader ns",19}{"ratio",8}");
        Report("singles", NumberTexts.Singles());
        Report("doubles", NumberTexts.Doubles());
        Report("integers", NumberTexts.Integers());
    }

    public static float ParseStock(byte[] json, float[] destination)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        int count = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            destination[count++] = reader.GetSingle();
        }

        return destination[0];
    }

    public static float ParseOwn(byte[] json)
    {
        using var numbers = NumberArrayParser.Parse(json);
        return numbers.Singles[0];
    }

    private static void Report(string name, byte[] json)
    {
        var destination = new float[NumberTexts.Dimensions];
        double own = Measure.Seconds(() => Repeat(() => ParseOwn(json)), Rounds) / Repeats;
        double stock = Measure.Seconds(() => Repeat(() => ParseStock(json, destination)), Rounds) / Repeats;
        const double Numbers = NumberTexts.Dimensions;
        Console.WriteLine(
            $"{name,-10}{json.Length / Numbers,14:F1}{own / Numbers * 1e9,11:F1}{json.Length / own / 1e6,8:F0}{stock / Numbers * 1e9,19:F1}{stock / own,8:F1}");
    }

    private static void Repeat(Func<float> parse)
    {
        for (int i = 0; i < Repeats; i++)
        {
            parse();
        }
    }
}
