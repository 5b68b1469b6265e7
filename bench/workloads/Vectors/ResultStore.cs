using System.Text.Json;

namespace Puff.Workloads.Vectors;

/// <summary>Results beside the vectors they belong to, one file a system, so that systems can be measured in separate runs and compared at the end.</summary>
internal sealed class ResultStore(VectorSet set)
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    private string Folder => Path.Combine(set.Folder, "results");

    public void Save(SystemResult result)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, result.System + ".json"), JsonSerializer.Serialize(result, Format));
    }

    public SystemResult? Find(string system)
    {
        string path = Path.Combine(Folder, system + ".json");
        return File.Exists(path) ? JsonSerializer.Deserialize<SystemResult>(File.ReadAllText(path), Format) : null;
    }

    public IReadOnlyList<SystemResult> All() => Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, "*.json").Order(StringComparer.Ordinal).Select(f => Find(Path.GetFileNameWithoutExtension(f))!)]
        : [];
}
