using System.Text.Json.Nodes;
using Puff.Output;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>A verb of the sync on the terminal of the binary.</summary>
internal sealed class SyncConsole(Terminal terminal, OutputFormat format, bool isQuiet) : ISyncConsole
{
    public bool CanAsk => terminal.InputIsTyped && terminal.MessagesAreSeen;

    public bool IsForPrograms => format != OutputFormat.Table;

    public void Say(string message)
    {
        if (!isQuiet)
        {
            terminal.Say(message);
        }
    }

    public void Warn(string message) => terminal.Say(message);

    public void Print(string line)
    {
        if (!IsForPrograms)
        {
            terminal.Results.WriteLine(line);
        }
    }

    public void WriteRows(IReadOnlyList<JsonObject> rows) => Writer().WriteRows([.. rows.Select(ResultWriter.ToElement)]);

    public void WriteObject(JsonObject value) => Writer().WriteObject(ResultWriter.ToElement(value));

    public string? Ask(string question)
    {
        terminal.Results.Flush();
        terminal.Messages.Write(question);
        terminal.Messages.Flush();
        return terminal.Input.ReadLine();
    }

    private ResultWriter Writer() => new(terminal, format);
}
