using Spectre.Console;

namespace Puff.Output;

/// <summary>Where a command speaks: results on standard output, all else on standard error; colour and bars only on a terminal.</summary>
internal sealed class Terminal
{
    public Terminal(TextReader input, TextWriter results, TextWriter messages)
    {
        Input = input;
        Results = results;
        Messages = messages;
    }

    public static Terminal System { get; } = new(Console.In, new StreamWriter(Console.OpenStandardOutput(), bufferSize: 1 << 16), Console.Error)
    {
        ResultsAreSeen = !Console.IsOutputRedirected,
        MessagesAreSeen = !Console.IsErrorRedirected,
        InputIsTyped = !Console.IsInputRedirected,
    };

    public TextReader Input { get; }

    public TextWriter Results { get; }

    public TextWriter Messages { get; }

    public bool ResultsAreSeen { get; init; }

    public bool MessagesAreSeen { get; init; }

    public bool InputIsTyped { get; init; }

    /// <summary>Standard output for bytes; what was written as text goes first.</summary>
    public Stream OpenResults()
    {
        Results.Flush();
        return Console.OpenStandardOutput();
    }

    public void Say(string message) => Messages.WriteLine(message);

    /// <summary>A Spectre console on standard error, for progress bars.</summary>
    public IAnsiConsole Progress() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Messages) });
}
