using System.Text.Json.Nodes;

namespace Puff.Sync.Verbs;

/// <summary>How errors are shown (section 22).</summary>
public static class SyncErrors
{
    /// <summary>"error: what", and on the next line what to do.</summary>
    public static string ToText(SyncException error) => $"error: {error.Message}{(error.Remedy is { } remedy ? $"\n  → {remedy}" : "")}";

    /// <summary>code, message, remedy, exit: promised names.</summary>
    public static JsonObject ToJson(SyncException error) => new()
    {
        ["code"] = error.Code, ["message"] = error.Message, ["remedy"] = error.Remedy, ["exit"] = (int)error.Exit,
    };
}
