using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

/// <summary>What is kept beside a code loses nothing that its bound does not allow for.</summary>
public sealed class CodeFactorsTests
{
    [Fact]
    public void Factors_come_back_as_they_were_made()
    {
        var random = new Random(5);
        for (int i = 0; i < 1_000; i++)
        {
            float norm = MathF.Exp((float)(random.NextDouble() * 120 - 60));
            float code = (float)(0.2 + random.NextDouble()) * 100;
            var made = CodeFactors.Create(128, norm, MathF.Sqrt(norm * code) * (float)(0.5 + random.NextDouble() / 2), random.NextDouble() * 1000 - 500, code);
            Assert.Equal(made, CodeFactors.Unpack(made.Add, made.Pack()));
        }

        foreach (var special in new[] { CodeFactors.Unknown, CodeFactors.Empty, new CodeFactors(1, 0, 0) })
        {
            Assert.Equal(special, CodeFactors.Unpack(special.Add, special.Pack()));
        }
    }

    [Theory]
    [InlineData(1e-29f)]
    [InlineData(0.7f)]
    [InlineData(123_456)]
    [InlineData(9e29f)]
    public void Errors_are_never_rounded_down_nor_by_more_than_a_sixteenth(float squaredNorm)
    {
        for (double cosine = 0.3; cosine < 1; cosine += 0.001)
        {
            float along = (float)(cosine * Math.Sqrt((double)squaredNorm * 100));
            double exact = 2 * Math.Sqrt(squaredNorm * (1 - cosine * cosine) / (cosine * cosine) / 767);
            float error = CodeFactors.Create(768, squaredNorm, along, 0, 100).Error;
            Assert.InRange(error / exact, 1 - 1e-3, 1.07 + 1e-3 / Math.Sqrt(1 - cosine));
        }
    }

    /// <summary>Where a centroid is far away its products nearly cancel: the addend has to know the scale that is stored.</summary>
    [Fact]
    public void The_addend_makes_up_for_what_the_scale_loses()
    {
        var made = CodeFactors.Create(128, 3, 7, 1e6, 20);
        Assert.Equal(3 - made.Scale * 1e6, made.Add, 0.1);
        Assert.Equal(-6 / 7.0, made.Scale, 6 / 7.0 / 4096);
    }
}
