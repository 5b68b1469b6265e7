using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

/// <summary>Estimates and their bounds against true distances.</summary>
public sealed unsafe class CodeQueryTests(ITestOutputHelper output)
{
    public static TheoryData<int, double, double, double> Shapes => new()
    {
        { 1, 0, 1, 1 }, { 2, 0, 1, 1 }, { 3, 0, 1, 1 }, { 63, 0, 1, 1 }, { 64, 0, 1, 1 }, { 65, 0, 1, 1 }, { 100, 0, 0.5, 2 }, { 256, 0, 1, 1 },
        { 768, 0, 1, 1 }, { 768, 0, 0.5, 0.6 }, { 768, 30, 0.5, 0.6 }, { 768, 1000, 0.5, 0.6 }, { 1536, 0, 1, 1 }, { 2112, 0, 1, 1 }, { 10752, 0, 1, 1 },
    };

    /// <summary>
    /// The error of an estimate is distributed as one coordinate of a random unit vector, almost normally: ±1.9 standard deviations hold 94.3 % of it, ±2.8
    /// hold 99.5 %, and lower bounds alone 97.1 % and 99.7 %. What the query's rounding may add makes the bounds wider, never narrower.
    /// </summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void True_distances_lie_inside_of_the_bounds(int dimensions, double offset, double spread, double queryDistance)
    {
        int seeds = dimensions > 2000 ? 16 : 80;
        var usual = new int[4];
        var wide = new int[4];
        for (int seed = 1; seed <= seeds; seed++)
        {
            using var model = new CodedVectorsModel(dimensions, seed, offset, spread, queryDistance);
            using var query = new CodeQuery(model.Padded);
            query.Prepare(model.Query);
            Count(model, query, usual);
            query.Epsilon = 2.8f;
            Count(model, query, wide);
        }

        double total = seeds * BinaryCodes.BlockVectors;
        string measured = string.Join("  ", usual.Concat(wide).Select(count => $"{count / total:P2}"));
        output.WriteLine($"{dimensions} {offset} {spread} {queryDistance}: {measured}");
        double[] expected = [0.971, 0.943, 0.971, 0.943, 0.997, 0.995, 0.997, 0.995];
        for (int i = 0; i < 8; i++)
        {
            // A sample of so many may fall short by four standard deviations of its own.
            double share = (i < 4 ? usual[i] : wide[i - 4]) / total;
            Assert.True(share >= expected[i] - 4 * Math.Sqrt(expected[i] * (1 - expected[i]) / total), measured);
        }
    }

    [Fact]
    public void Estimates_are_right_on_average()
    {
        double error = 0, truth = 0;
        for (int seed = 1; seed <= 100; seed++)
        {
            using var model = new CodedVectorsModel(128, seed);
            using var query = new CodeQuery(model.Padded);
            query.Prepare(model.Query);
            for (int lane = 0; lane < 32; lane++)
            {
                query.Octal(model.Row(lane), model.CentroidSquaredDistance, out float estimate, out _);
                error += estimate - model.TrueDistance(lane);
                truth += model.TrueDistance(lane);
            }
        }

        Assert.True(Math.Abs(error) < 0.002 * truth, $"{error / truth}");
    }

    [Fact]
    public void Only_lanes_asked_for_and_below_the_threshold_return()
    {
        using var model = new CodedVectorsModel(96, 7);
        using var query = new CodeQuery(model.Padded);
        query.Prepare(model.Query);
        float* estimates = stackalloc float[32];
        float* bounds = stackalloc float[32];
        float* again = stackalloc float[32];
        float distance = model.CentroidSquaredDistance;
        Assert.Equal(uint.MaxValue, query.Scan(model.Block, distance, uint.MaxValue, float.PositiveInfinity, estimates, bounds));
        for (int lane = 0; lane < 32; lane++)
        {
            // Exactly as low as the threshold stays in.
            uint expected = 0;
            for (int other = 0; other < 32; other++)
            {
                expected |= bounds[other] <= bounds[lane] ? 1u << other : 0;
            }

            Assert.Equal(expected, query.Scan(model.Block, distance, uint.MaxValue, bounds[lane], again, again));
            Assert.Equal(expected & 0x8421_1248, query.Scan(model.Block, distance, 0x8421_1248, bounds[lane], again, again));
        }

        Assert.Equal(0u, query.Scan(model.Block, distance, 0, float.PositiveInfinity, again, again));
        BinaryCodes.Clear(model.Block, model.Padded);
        Assert.Equal(0u, query.Scan(model.Block, distance, uint.MaxValue, float.PositiveInfinity, again, again));
        Assert.Equal(0u, query.Scan(model.Block, 0, uint.MaxValue, float.PositiveInfinity, again, again));
    }

    public static TheoryData<float, float, float> Extremes => new()
    {
        { 0, 0, 0 }, { 0, 0, 1 }, { 1, 1, 1 }, { 0, 1e-20f, 1e-20f }, { 0, 1e-20f, 1 }, { 0, 1e-38f, 1e-38f }, { 0, 1e-45f, 0 }, { 1, 1e-20f, 1e-20f },
        { 0, 1e14f, 1e14f }, { 1e14f, 1e14f, 1 }, { 0, 1e18f, 1e18f }, { 0, 1e19f, 1e19f }, { 0, 1e38f, 1 }, { 0, 1, 1e38f }, { 0, float.MaxValue, -float.MaxValue },
        { 1e38f, 1, 1 }, { 0, float.PositiveInfinity, 1 }, { 0, float.NaN, 1 }, { 0, 1, float.NaN }, { float.NaN, 1, 1 }, { 0, 1, float.PositiveInfinity },
        { 1e7f, 1e7f, 1e7f },
    };

    /// <summary>Whatever the sizes: the true distance is never below the bound, never above the upper bound that a search would prune others with.</summary>
    [Theory]
    [MemberData(nameof(Extremes))]
    public void Extreme_vectors_always_survive(float centroid, float vector, float asked)
    {
        using var model = CodedVectorsModel.Constant(100, centroid, vector, asked);
        using var query = new CodeQuery(model.Padded);
        query.Prepare(model.Query);
        float* estimates = stackalloc float[32];
        float* bounds = stackalloc float[32];
        double truth = model.TrueDistance(5);
        float distance = model.CentroidSquaredDistance;
        uint all = query.Scan(model.Block, distance, uint.MaxValue, float.PositiveInfinity, estimates, bounds);
        Assert.Equal(uint.MaxValue, all);
        Assert.False(bounds[5] > truth, $"{bounds[5]} > {truth}");
        Assert.False(2 * estimates[5] - bounds[5] < truth, $"{estimates[5]} {bounds[5]}");
        Assert.Equal(uint.MaxValue, query.Scan(model.Block, distance, uint.MaxValue, (float)truth, estimates, bounds));
        query.Octal(model.Row(5), distance, out float estimate, out float error);
        Assert.False(estimate - error > truth, $"{estimate} {error}");
        Assert.False(estimate + error < truth, $"{estimate} {error}");
        Assert.False(float.IsNaN(error));
    }

    private static void Count(CodedVectorsModel model, CodeQuery query, int[] counts)
    {
        float* estimates = stackalloc float[32];
        float* bounds = stackalloc float[32];
        float distance = model.CentroidSquaredDistance;
        Assert.Equal(uint.MaxValue, query.Scan(model.Block, distance, uint.MaxValue, float.PositiveInfinity, estimates, bounds));
        for (int lane = 0; lane < 32; lane++)
        {
            double truth = model.TrueDistance(lane);
            counts[0] += bounds[lane] <= truth ? 1 : 0;
            counts[1] += Math.Abs(truth - estimates[lane]) <= estimates[lane] - (double)bounds[lane] ? 1 : 0;
            query.Octal(model.Row(lane), distance, out float estimate, out float error);
            counts[2] += estimate - error <= truth ? 1 : 0;
            counts[3] += Math.Abs(truth - estimate) <= error ? 1 : 0;
        }
    }
}
