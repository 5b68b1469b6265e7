namespace Puff.Sync.Migrations;

/// <summary>What is wrong in one file, collected: people mend all of it in one go.</summary>
internal sealed class ConfigProblems(string path)
{
    private readonly List<(int Line, SyncException Problem)> found = [];

    /// <summary>Relative to the project, with '/'.</summary>
    public string Path { get; } = path;

    public bool Any => found.Count > 0;

    public IEnumerable<SyncException> All => found.OrderBy(one => one.Line).Select(one => one.Problem);

    public void Add(int line, string what, string? remedy = null) => Add(line, "config_invalid", what, remedy);

    public void Add(int line, string code, string what, string? remedy = null) =>
        found.Add((line, new SyncException(SyncExit.Usage, code, $"{Path}:{line}: {what}", remedy)));

    /// <summary>A value that came from an environment variable: no line.</summary>
    public void AddFromVariable(string variable, string what) =>
        found.Add((0, new SyncException(SyncExit.Usage, "config_invalid", $"{variable}: {what}")));

    /// <summary>Throws all of it as one error; the code is the first one's.</summary>
    public void Throw()
    {
        var all = All.ToList();
        if (all.Count > 0)
        {
            throw all.Count == 1 ? all[0] : new SyncException(all[0].Exit, all[0].Code, string.Join('\n', all.Select(one => one.Message)), all[0].Remedy);
        }
    }
}
