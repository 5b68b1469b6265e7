namespace Puff.Sync.Transforms;

/// <summary>Which variables user code may see: all but those that open a database.</summary>
internal static class HostEnvironment
{
    public static IEnumerable<KeyValuePair<string, string>> For(IReadOnlyDictionary<string, string> environment, bool passDatabaseUrl) =>
        passDatabaseUrl ? environment : environment.Where(variable => !IsSecret(variable.Key, variable.Value));

    private static bool IsSecret(string name, string value) =>
        name.Contains("DATABASE_URL", StringComparison.OrdinalIgnoreCase)
        || name.Equals("PGPASSWORD", StringComparison.OrdinalIgnoreCase)
        || name.Equals("PGPASSFILE", StringComparison.OrdinalIgnoreCase)
        || value.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || value.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);
}
