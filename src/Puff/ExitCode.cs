using System.Net;
using Puff.Engine;

namespace Puff;

/// <summary>What the exit code tells a script; the numbers are promised (docs/reference/cli.md).</summary>
internal enum ExitCode
{
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    NotAllowed = 4,

    /// <summary>The same command may succeed later.</summary>
    Temporary = 5,
    Conflict = 6,
    Corruption = 7,
    Interrupted = 130,
}

/// <summary>A command's failure: the message goes to standard error, the code to the caller.</summary>
internal sealed class CommandException(ExitCode code, string message) : Exception(message)
{
    public ExitCode Code { get; } = code;
}

/// <summary>The one table from errors to exit codes.</summary>
internal static class ExitCodes
{
    public static ExitCode Of(ErrorKind kind) => kind switch
    {
        ErrorKind.NotFound => ExitCode.NotFound,
        ErrorKind.Unauthenticated or ErrorKind.Forbidden => ExitCode.NotAllowed,
        ErrorKind.Limited or ErrorKind.Unavailable => ExitCode.Temporary,
        ErrorKind.Conflict => ExitCode.Conflict,
        ErrorKind.Corrupt => ExitCode.Corruption,
        _ => ExitCode.Failed,
    };

    public static ExitCode Of(HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound => ExitCode.NotFound,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ExitCode.NotAllowed,
        HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => ExitCode.Temporary,
        HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => ExitCode.Temporary,
        HttpStatusCode.Conflict => ExitCode.Conflict,
        _ => ExitCode.Failed,
    };

    public static ExitCode Of(Exception error) => error switch
    {
        CommandException command => command.Code,
        PuffException puff => Of(puff.Kind),
        Configuration.ConfigurationException => ExitCode.Usage,
        OperationCanceledException => ExitCode.Interrupted,
        FileNotFoundException or DirectoryNotFoundException => ExitCode.NotFound,
        UnauthorizedAccessException => ExitCode.NotAllowed,
        _ => ExitCode.Failed,
    };
}
