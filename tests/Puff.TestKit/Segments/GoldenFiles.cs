using Puff.TestKit.House;

namespace Puff.TestKit.Segments;

/// <summary>
/// tests/golden/{format}/v{version}/: what each format version looked like. A file is written once, by running the tests with PUFF_WRITE_GOLDEN=1 while it is
/// missing, and never again: an existing file is not touched.
/// </summary>
internal static class GoldenFiles
{
    private static readonly bool WritesMissing = Environment.GetEnvironmentVariable("PUFF_WRITE_GOLDEN") == "1";

    /// <summary>The file's bytes.</summary>
    /// <param name="name">"{format}/v{version}/{case}".</param>
    /// <param name="today">What today's writer makes; becomes the file when there is none and the environment asks for it.</param>
    public static byte[] Read(string name, byte[] today)
    {
        string path = Repository.Resolve($"tests/golden/{name}");
        if (WritesMissing && !File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, today);
        }

        return File.Exists(path)
            ? File.ReadAllBytes(path)
            : throw new FileNotFoundException($"{path} is missing; a new format's file is written by running the tests with PUFF_WRITE_GOLDEN=1", path);
    }
}
