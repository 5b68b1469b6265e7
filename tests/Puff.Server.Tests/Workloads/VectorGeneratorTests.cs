using System.Security.Cryptography;
using Puff.Workloads.Vectors;
using Xunit;

namespace Puff.Server.Tests.Workloads;

public sealed class VectorGeneratorTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("puff-generator-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_does_not()
    {
        byte[] first = Hash(Documents("a", 3_000, seed: 5));
        Assert.Equal(first, Hash(Documents("b", 3_000, seed: 5)));
        Assert.NotEqual(first, Hash(Documents("c", 3_000, seed: 6)));
    }

    [Fact]
    public void A_larger_set_begins_with_the_smaller_one()
    {
        using var small = VectorFile.Open(Documents("small", 100, seed: 5));
        using var large = VectorFile.Open(Documents("large", 2_100, seed: 5));
        for (int row = 0; row < small.Rows; row++)
        {
            Assert.True(small.Singles(row).SequenceEqual(large.Singles(row)));
        }
    }

    [Fact]
    public void Vectors_have_unit_length_and_queries_are_held_out()
    {
        using var documents = VectorFile.Open(Documents("documents", 1_500, seed: 9));
        string path = Path.Combine(folder.FullName, "queries");
        new VectorGenerator(GeneratorShape.Hard, 33, 9).WriteQueries(path, 50);
        using var queries = VectorFile.Open(path);
        for (int row = 0; row < documents.Rows; row++)
        {
            double squares = 0;
            foreach (float value in documents.Singles(row))
            {
                squares += value * value;
            }

            Assert.Equal(1, squares, 1e-5);
            for (int query = 0; query < queries.Rows; query++)
            {
                Assert.False(queries.Singles(query).SequenceEqual(documents.Singles(row)));
            }
        }
    }

    [Fact]
    public void Buckets_are_spread_evenly()
    {
        int[] buckets = VectorGenerator.Buckets(100_000, 3);
        Assert.All(buckets, b => Assert.InRange(b, 0, 999));
        Assert.InRange(buckets.Count(b => b < 10), 900, 1_100);
        Assert.Equal(buckets, VectorGenerator.Buckets(100_000, 3));
    }

    private string Documents(string name, int rows, ulong seed)
    {
        string path = Path.Combine(folder.FullName, name);
        new VectorGenerator(GeneratorShape.Hard, 33, seed).WriteDocuments(path, rows);
        return path;
    }

    private static byte[] Hash(string path) => SHA256.HashData(File.ReadAllBytes(path));
}
