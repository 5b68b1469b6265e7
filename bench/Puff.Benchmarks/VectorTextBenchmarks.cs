using System.Buffers;
using BenchmarkDotNet.Attributes;
using Puff.Engine.Encoding;

namespace Puff.Benchmarks;

/// <summary>Goal: answers with vectors cost little beside the search. Method: one 768-dimensional vector to JSON and to base64, and base64 back.</summary>
public class VectorTextBenchmarks
{
    private readonly ArrayBufferWriter<byte> output = new(32 * NumberTexts.Dimensions);
    private float[] vector = [];
    private byte[] base64 = [];

    [GlobalSetup]
    public void Setup()
    {
        using var numbers = NumberArrayParser.Parse(NumberTexts.Singles());
        vector = numbers.Singles.ToArray();
        WriteBase64();
        base64 = output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public void WriteJson()
    {
        output.ResetWrittenCount();
        VectorText.WriteJson(vector, output);
    }

    [Benchmark]
    public void WriteBase64()
    {
        output.ResetWrittenCount();
        VectorText.WriteBase64(vector, output);
    }

    [Benchmark]
    public bool DecodeBase64() => VectorText.TryDecodeBase64(base64, out float[]? _, out _);
}
