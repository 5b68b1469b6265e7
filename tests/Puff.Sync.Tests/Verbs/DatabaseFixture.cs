using Puff.Sync.Tests.Migrations;
using Puff.Sync.Tests.Postgres;
using Puff.Sync.Verbs;

namespace Puff.Sync.Tests.Verbs;

/// <summary>A project and the database it speaks of; its slot and publication are named after the database.</summary>
internal sealed class DatabaseFixture : IAsyncDisposable
{
    private readonly List<string> roles = [];

    private DatabaseFixture(TestDatabase database, ProjectFolderFixture project) => (Database, Project) = (database, project);

    public TestDatabase Database { get; }

    public ProjectFolderFixture Project { get; }

    public static async Task<DatabaseFixture> CreateAsync(string sql = "CREATE TABLE posts (id int PRIMARY KEY, title text)")
    {
        var database = await TestDatabase.CreateAsync(sql);
        string settings = $"[pipeline]\nname = \"{database.Name}\"\n[destinations.default]\nkind = \"null\"\n";
        var fixture = new DatabaseFixture(database, new ProjectFolderFixture(settings));
        fixture.Project.Variables["DATABASE_URL"] = database.Url;
        return fixture;
    }

    public SyncInvocation Invoke(TestConsole console, bool yes = true) => new(console)
    {
        WorkingDirectory = Project.Folder, Variables = Project.Variables, AssumeYes = yes,
    };

    /// <summary>A role that may log in, dropped at the end; the project then connects as it.</summary>
    public async Task<string> BecomeRoleAsync(string attributes = "")
    {
        string role = $"r{roles.Count}_{Database.Name}";
        roles.Add(role);
        await Database.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD 'x' {attributes}");
        Project.Variables["DATABASE_URL"] = $"postgres://{role}:x@{Database.Address.Host}:{Database.Address.Port}/{Database.Name}";
        return role;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string role in roles)
        {
            await Database.RunAsync($"DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        }

        Project.Dispose();
        await Database.DisposeAsync();
    }
}
