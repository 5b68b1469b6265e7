using System.Globalization;
using Microsoft.AspNetCore.Http;
using Puff.Engine;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// `x-puff-min-position: LSN` on a query: it waits until the namespace has what Postgres had committed by then, so that whoever wrote there reads it here.
/// The LSN in the server's form (`0/16B3748`, as pg_current_wal_lsn() says after the commit) or a whole position of 25 characters. Waits 10 s, or what
/// `Prefer: wait=SECONDS` says (RFC 7240), at most 60; then 503.
/// </summary>
internal static class MinPosition
{
    public const string Header = "x-puff-min-position";
    private const int DefaultSeconds = 10;
    private const int MaxSeconds = 60;
    private const int PositionLength = 25;

    public static Task WaitAsync(HttpContext context, PuffEngine engine, string name)
    {
        string? given = context.Request.Headers[Header];
        if (string.IsNullOrEmpty(given))
        {
            return Task.CompletedTask;
        }

        string position = Parse(given)
            ?? throw PuffException.Invalid($"{Header}: \"{given}\" is no position; send what pg_current_wal_lsn() says, such as 0/16B3748");
        return engine.WaitForTokenAsync(name, position, TimeSpan.FromSeconds(SecondsOf(context.Request)), context.RequestAborted);
    }

    /// <summary>The form of tokens, which compares as text; null for none.</summary>
    internal static string? Parse(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return null;
        }

        if (text.Length == PositionLength && slash == 16 && IsHex(text.AsSpan(0, 16)) && IsHex(text.AsSpan(17)))
        {
            return text.ToUpperInvariant();
        }

        return uint.TryParse(text.AsSpan(0, slash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint high)
            && uint.TryParse(text.AsSpan(slash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint low)
                ? string.Create(CultureInfo.InvariantCulture, $"{high:X8}{low:X8}/00000000")
                : null;
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (!char.IsAsciiHexDigit(character))
            {
                return false;
            }
        }

        return true;
    }

    private static int SecondsOf(HttpRequest request)
    {
        foreach (string? preference in request.Headers["Prefer"])
        {
            foreach (string part in (preference ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                if (part.StartsWith("wait=", StringComparison.OrdinalIgnoreCase)
                    && int.TryParse(part.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds))
                {
                    return Math.Min(seconds, MaxSeconds);
                }
            }
        }

        return DefaultSeconds;
    }
}
