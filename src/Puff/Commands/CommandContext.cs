using System.CommandLine;
using Puff.Client;
using Puff.Configuration;
using Puff.Output;

namespace Puff.Commands;

/// <summary>What a running command has at hand.</summary>
internal sealed class CommandContext(ParseResult arguments, SettingValues settings, Terminal terminal, CancellationToken cancellation)
{
    public ParseResult Arguments { get; } = arguments;

    public SettingValues Settings { get; } = settings;

    public Terminal Terminal { get; } = terminal;

    public CancellationToken Cancellation { get; } = cancellation;

    public PuffClient Connect()
    {
        string? key = Settings.Find(Configuration.Settings.ApiKey);
        return new PuffClient(Settings.Get(Configuration.Settings.Url), key);
    }

    public ResultWriter Results()
    {
        string format = Settings.Get(Configuration.Settings.Output);
        return new ResultWriter(Terminal, Enum.Parse<OutputFormat>(format, ignoreCase: true));
    }

    public T? Get<T>(Option<T> option) => Arguments.GetValue(option);

    public T Get<T>(Argument<T> argument) => Arguments.GetRequiredValue(argument);

    /// <summary>The bytes of a file, or of standard input for "-".</summary>
    public async Task<byte[]> ReadInputAsync(string path)
    {
        if (path != "-")
        {
            return await File.ReadAllBytesAsync(path, Cancellation);
        }

        using var buffer = new MemoryStream();
        await using Stream input = Console.OpenStandardInput();
        await input.CopyToAsync(buffer, Cancellation);
        return buffer.ToArray();
    }
}
