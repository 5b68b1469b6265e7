namespace Puff.Sync.Toml;

/// <summary>A text that is not TOML.</summary>
/// <param name="path">The file as the user knows it.</param>
/// <param name="line">From 1.</param>
/// <param name="problem">What is wrong there.</param>
public sealed class TomlException(string path, int line, string problem) : Exception($"{path}:{line}: {problem}")
{
    public int Line { get; } = line;
}
