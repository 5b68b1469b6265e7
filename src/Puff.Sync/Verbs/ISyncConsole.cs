using System.Text.Json.Nodes;

namespace Puff.Sync.Verbs;

/// <summary>Where a verb speaks and asks: results to standard output, all else to standard error.</summary>
public interface ISyncConsole
{
    /// <summary>Somebody sits there and can answer.</summary>
    bool CanAsk { get; }

    /// <summary>Results go to a program: JSON, whose field names are promised, and no lines of text.</summary>
    bool IsForPrograms { get; }

    /// <summary>A line for people, beside the results; nothing under `--quiet`.</summary>
    void Say(string message);

    /// <summary>A line that is said even under `--quiet`.</summary>
    void Warn(string message);

    /// <summary>A result as text; nothing where results go to a program.</summary>
    void Print(string line);

    /// <summary>A list of results: rows of a table, or JSON.</summary>
    void WriteRows(IReadOnlyList<JsonObject> rows);

    /// <summary>One result.</summary>
    void WriteObject(JsonObject value);

    /// <summary>Asks one line; null at the end of input. Only where <see cref="CanAsk"/>.</summary>
    string? Ask(string question);
}
