using System.Globalization;

namespace Puff.Benchmarks;

/// <summary>JSON arrays as clients write them.</summary>
internal static class NumberTexts
{
    public const int Dimensions = 768;

    /// <summary>Shortest form of singles around zero, as most clients send embeddings: "-0.013270417".</summary>
    public static byte[] Singles() => Array(random => ((float)(random.NextDouble() - 0.5) * 0.1f).ToString("R", CultureInfo.InvariantCulture), ",");

    /// <summary>Singles that went through doubles, with a space behind each comma, as Python writes them: "-0.013270416855812073".</summary>
    public static byte[] Doubles() => Array(random => ((double)(float)((random.NextDouble() - 0.5) * 0.1)).ToString("R", CultureInfo.InvariantCulture), ", ");

    public static byte[] Integers() => Array(random => random.Next(-128, 128).ToString(CultureInfo.InvariantCulture), ",");

    private static byte[] Array(Func<Random, string> number, string separator)
    {
        var random = new Random(2);
        string text = string.Join(separator, Enumerable.Range(0, Dimensions).Select(_ => number(random)));
        return System.Text.Encoding.UTF8.GetBytes($"[{text}]");
    }
}
