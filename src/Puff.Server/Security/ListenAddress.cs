using System.Globalization;
using System.Net;
using Puff.Engine;

namespace Puff.Server.Security;

/// <summary>Addresses to listen on, and the rule that a server open to others needs a key.</summary>
internal static class ListenAddress
{
    /// <param name="text">"127.0.0.1:8080", "[::1]:8080", "localhost:8080", "*:8080" or ":8080" (every address); port 0 lets the system choose.</param>
    public static IPEndPoint Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            throw NotAnAddress(text);
        }

        var address = host switch
        {
            "localhost" => IPAddress.Loopback,
            "" or "*" => IPAddress.IPv6Any,
            _ when host.StartsWith('[') != host.EndsWith(']') || host.Contains(':') && !host.StartsWith('[') => throw NotAnAddress(text),
            _ => IPAddress.TryParse(host.Trim('[', ']'), out var parsed) ? parsed : throw NotAnAddress(text),
        };
        return new IPEndPoint(address, port);
    }

    public static void RefuseOpenServer(IPEndPoint endpoint, KeyRing keys)
    {
        if (keys.IsOpen && !IPAddress.IsLoopback(endpoint.Address))
        {
            throw PuffException.Invalid(
                $"refusing to listen on {endpoint} without an API key, because everybody who reaches that address could read and delete everything; "
                + "configure a key (--api-key or PUFF_API_KEY), or listen on 127.0.0.1");
        }
    }

    private static PuffException NotAnAddress(string text) =>
        PuffException.Invalid($"\"{text}\" is no address to listen on; write IP:PORT, for example 127.0.0.1:8080 or [::1]:8080");
}
