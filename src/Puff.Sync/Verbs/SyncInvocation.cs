using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <summary>How `puff sync` was called: the flags all verbs have.</summary>
public sealed record SyncInvocation(ISyncConsole Console)
{
    /// <summary>Absolute.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>`--project`.</summary>
    public string? Project { get; init; }

    /// <summary>`--env`.</summary>
    public string? Environment { get; init; }

    /// <summary>`--env-file`, in the order given; later ones win.</summary>
    public IReadOnlyList<string> EnvironmentFiles { get; init; } = [];

    /// <summary>The process's variables.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>`--yes`: every question is answered so.</summary>
    public bool AssumeYes { get; init; }

    /// <summary>`--verbose`.</summary>
    public bool IsVerbose { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    internal ProjectSearch Search => new(WorkingDirectory, Project, Environment, EnvironmentFiles, Variables);

    internal SyncProject OpenProject() => SyncProject.Open(Search);

    /// <summary>A yes or no. Without a terminal `--yes` must have been given.</summary>
    /// <exception cref="SyncException">answer_needed.</exception>
    internal bool Confirm(string question, string flag = "--yes")
    {
        if (AssumeYes)
        {
            return true;
        }

        RequireAnswer(question, flag);
        return Console.Ask($"{question} [y/N] ")?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    /// <summary>A typed name, for what cannot be undone.</summary>
    internal bool ConfirmByName(string question, string name, string flag = "--yes")
    {
        if (AssumeYes)
        {
            return true;
        }

        RequireAnswer(question, flag);
        return Console.Ask($"{question} Type {name} to go on: ")?.Trim() == name;
    }

    /// <summary>A line of text; what was given by a flag is not asked for.</summary>
    internal string Ask(string question, string? given, string? usual, string flag)
    {
        if (given != null)
        {
            return given;
        }

        if (usual != null && (AssumeYes || !Console.CanAsk))
        {
            return usual;
        }

        RequireAnswer(question, flag);
        string? answer = Console.Ask(usual is null ? $"{question}: " : $"{question} [{usual}]: ")?.Trim();
        return answer is { Length: > 0 } ? answer : usual ?? throw Needed(question, flag);
    }

    private void RequireAnswer(string question, string flag)
    {
        if (!Console.CanAsk)
        {
            throw Needed(question, flag);
        }
    }

    private static SyncException Needed(string question, string flag) =>
        new(SyncExit.Usage, "answer_needed", $"{question}: nobody can be asked here.", $"give {flag}");
}
