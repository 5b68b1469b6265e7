using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Puff.Server.Http;

/// <summary>Whether a client takes gzip (RFC 9110, 12.5.3). Only an explicit `gzip` counts: some clients that send `*` can decode nothing.</summary>
internal static class AcceptEncoding
{
    public static bool ListsGzip(StringValues header)
    {
        foreach (string? line in header)
        {
            foreach (var range in (line ?? "").AsSpan().Split(','))
            {
                if (IsGzip(line.AsSpan()[range]))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool IsGzip(ReadOnlySpan<char> coding)
    {
        int semicolon = coding.IndexOf(';');
        var name = (semicolon < 0 ? coding : coding[..semicolon]).Trim();
        if (!name.Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var weight = semicolon < 0 ? default : coding[(semicolon + 1)..].Trim();
        return !weight.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
            || !double.TryParse(weight[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double quality)
            || quality > 0;
    }
}
