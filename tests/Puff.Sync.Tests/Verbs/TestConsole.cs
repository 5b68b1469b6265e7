using System.Text.Json.Nodes;
using Puff.Sync.Verbs;

namespace Puff.Sync.Tests.Verbs;

/// <summary>Keeps what a verb says; answers what was prepared.</summary>
internal sealed class TestConsole(params string[] answers) : ISyncConsole
{
    private readonly Queue<string> answers = new(answers);

    public bool CanAsk => answers.Count > 0;

    public bool IsForPrograms { get; init; }

    public List<string> Said { get; } = [];

    public List<string> Printed { get; } = [];

    public List<JsonObject> Results { get; } = [];

    public List<string> Questions { get; } = [];

    public void Say(string message) => Said.Add(message);

    public void Warn(string message) => Said.Add(message);

    public void Print(string line) => Printed.Add(line);

    public void WriteRows(IReadOnlyList<JsonObject> rows) => Results.AddRange(rows);

    public void WriteObject(JsonObject value) => Results.Add(value);

    public string? Ask(string question)
    {
        Questions.Add(question);
        return answers.TryDequeue(out string? answer) ? answer : null;
    }
}
