using BenchmarkDotNet.Attributes;

namespace Puff.Benchmarks;

/// <summary>Goal: vectors in JSON are read many times as fast as by the stock reader. Method: both on the text of one vector.</summary>
public class NumberArrayParserBenchmarks
{
    private readonly float[] destination = new float[NumberTexts.Dimensions];
    private byte[] json = [];

    [Params("singles", "doubles", "integers")]
    public string Text { get; set; } = "";

    [GlobalSetup]
    public void Setup() => json = Text switch
    {
        "singles" => NumberTexts.Singles(),
        "doubles" => NumberTexts.Doubles(),
        _ => NumberTexts.Integers(),
    };

    [Benchmark(Baseline = true)]
    public float Stock() => ParseReport.ParseStock(json, destination);

    [Benchmark]
    public float Own() => ParseReport.ParseOwn(json);
}
