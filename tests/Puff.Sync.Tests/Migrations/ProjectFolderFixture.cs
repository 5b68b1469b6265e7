using Puff.Sync.Migrations;

namespace Puff.Sync.Tests.Migrations;

/// <summary>A project in a folder of its own, removed afterwards.</summary>
internal sealed class ProjectFolderFixture : IDisposable
{
    public const string Settings = "[pipeline]\nname = \"shop\"\n[destinations.default]\nkind = \"null\"\n";

    public const string Posts = "[source]\ntable = \"posts\"\n";

    public ProjectFolderFixture(string settings = Settings)
    {
        Folder = Directory.CreateTempSubdirectory("puff-sync-").FullName;
        Write(ProjectSettingsReader.FileName, settings);
    }

    public string Folder { get; }

    public Dictionary<string, string> Variables { get; } = [];

    public ProjectSearch Search => new(Folder, null, null, [], Variables);

    public ProjectFolderFixture Write(string path, string text)
    {
        string full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return this;
    }

    public string Read(string path) => File.ReadAllText(Path.Combine(Folder, path));

    public ProjectFolderFixture WriteMigration(string directory, string text) => Write($"migrations/{directory}/migration.toml", text);

    public SyncProject Open() => SyncProject.Open(Search);

    public MigrationContent Collect(string directory) => MigrationContent.Collect(Folder, directory);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
