namespace Puff.TestKit.Storage;

/// <summary>A folder of a test's own, removed with everything in it at disposal.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("puff-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
