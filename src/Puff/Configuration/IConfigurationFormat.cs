namespace Puff.Configuration;

/// <summary>A file format for settings. An interface, so that a stock reader can replace ours (docs/adr/0001-own-toml-reader.md).</summary>
internal interface IConfigurationFormat
{
    /// <summary>The entries in file order. Tables are part of the key, joined with '.'.</summary>
    /// <exception cref="ConfigurationException">The text does not follow the format; the message names the line.</exception>
    IReadOnlyList<ConfigurationEntry> Read(string text, string path);
}

/// <param name="Key">"listen", "serve.listen".</param>
/// <param name="Values">One value, or the elements of an array.</param>
/// <param name="Line">From 1.</param>
internal sealed record ConfigurationEntry(string Key, IReadOnlyList<string> Values, int Line);

/// <summary>A setting nobody can act on; ends the program with the usage exit code.</summary>
internal sealed class ConfigurationException(string message) : Exception(message);
