namespace Puff.Engine.Storage;

/// <summary>What kinds of objects are called where requests are counted.</summary>
internal static class ObjectKinds
{
    /// <summary>The part of a segment ("rows", "codes"), or what the folder holds ("wal", "tree"), or the name itself ("current").</summary>
    public static string Of(string key)
    {
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        if (key.Contains("/wal/", StringComparison.Ordinal))
        {
            return "wal";
        }

        if (key.Contains("/tree/", StringComparison.Ordinal))
        {
            return "tree";
        }

        int dot = name.IndexOf('.');
        var kind = dot < 0 ? name : name[(dot + 1)..];
        return kind.StartsWith("del.") ? "deletes" : kind.ToString();
    }
}
