namespace Puff.TestKit.Storage;

/// <summary>What the scripts that start servers for the tests tell by environment variables. Without them the tests fail: a skipped test would prove nothing.</summary>
internal static class TestVariable
{
    /// <param name="name">The variable.</param>
    /// <param name="tool">The script that prints it.</param>
    public static string Read(string name, string tool) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{name} is not set: this test needs a server; run  eval \"$({tool} start)\"  first, or ./test, which does");
}
