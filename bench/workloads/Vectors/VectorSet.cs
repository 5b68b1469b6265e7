using Puff.Engine.Schema;

namespace Puff.Workloads.Vectors;

/// <summary>Vectors, queries and one integer attribute, all singles in mapped files of one cache folder.</summary>
internal sealed class VectorSet : IDisposable
{
    public VectorSet(string name, string folder, DistanceMetric metric)
    {
        Name = name;
        Folder = folder;
        Metric = metric;
        Documents = VectorFile.Open(Path.Combine(folder, "base.vec"));
        Queries = VectorFile.Open(Path.Combine(folder, "queries.vec"));
        using var buckets = VectorFile.Open(Path.Combine(folder, "bucket.vec"));
        Buckets = buckets.AllIntegers();
        if (Documents.Columns != Queries.Columns || Documents.Rows != Buckets.Length)
        {
            throw new InvalidDataException($"the files in {folder} do not belong together; delete the folder to have them made again");
        }
    }

    /// <summary>Kind, dimensions, documents and seed; also the name of the folder.</summary>
    public string Name { get; }

    public string Folder { get; }

    public DistanceMetric Metric { get; }

    public VectorFile Documents { get; }

    public VectorFile Queries { get; }

    public int Dimensions => Documents.Columns;

    /// <summary>The attribute that filters compare, of every document: 0..999, uniform.</summary>
    public int[] Buckets { get; }

    public void Dispose()
    {
        Documents.Dispose();
        Queries.Dispose();
    }
}
