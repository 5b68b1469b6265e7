using System.Globalization;

namespace Puff.Workloads;

/// <summary>`--name value` pairs.</summary>
internal sealed class Options(Dictionary<string, string> values)
{
    public static Options Parse(string[] args)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i + 1 < args.Length; i += 2)
        {
            values[args[i].TrimStart('-')] = args[i + 1];
        }

        return new Options(values);
    }

    public IEnumerable<KeyValuePair<string, string>> Pairs => values;

    /// <summary>The same options with one set to another value.</summary>
    public Options With(string name, string value) => new(new Dictionary<string, string>(values, StringComparer.Ordinal) { [name] = value });

    public string Text(string name, string fallback) => values.GetValueOrDefault(name, fallback);

    public int Number(string name, int fallback) => values.TryGetValue(name, out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    /// <summary>A folder for this run: the one asked for, or a fresh one that is removed afterwards.</summary>
    public WorkFolder Folder() => new(values.GetValueOrDefault("dir"));
}

internal sealed class WorkFolder : IDisposable
{
    private readonly bool isOwn;

    public WorkFolder(string? path)
    {
        isOwn = path is null;
        Path = path ?? Directory.CreateTempSubdirectory("puff-workload-").FullName;
    }

    public string Path { get; }

    public void Dispose()
    {
        if (isOwn)
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
