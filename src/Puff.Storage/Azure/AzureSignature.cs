using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Puff.Storage.Azure;

/// <summary>
/// The Shared Key scheme of the Blob service (its REST documentation, "Authorize with Shared Key", for versions since 2015-02-21): an HMAC-SHA256 over
/// the method, eleven standard headers, all x-ms-… headers and the address.
/// </summary>
internal sealed class AzureSignature(string account, byte[] key)
{
    private static readonly string[] SignedHeaders =
    [
        "Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match",
        "If-Unmodified-Since", "Range",
    ];

    /// <summary>Adds the Authorization header; every other header, x-ms-date among them, is there already.</summary>
    public void Sign(HttpRequestMessage request)
    {
        byte[] signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(StringToSign(request)));
        request.Headers.TryAddWithoutValidation("Authorization", $"SharedKey {account}:{Convert.ToBase64String(signature)}");
    }

    internal string StringToSign(HttpRequestMessage request)
    {
        var text = new StringBuilder(request.Method.Method).Append('\n');
        foreach (string name in SignedHeaders)
        {
            text.Append(Value(request, name)).Append('\n');
        }

        foreach (var (name, values) in request.Headers.Where(header => header.Key.StartsWith("x-ms-", StringComparison.Ordinal)).OrderBy(
            header => header.Key, StringComparer.Ordinal))
        {
            text.Append(name).Append(':').AppendJoin(',', values).Append('\n');
        }

        text.Append('/').Append(account).Append(request.RequestUri!.AbsolutePath);
        foreach (string parameter in request.RequestUri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            string[] pair = parameter.Split('=', 2);
            text.Append('\n').Append(pair[0]).Append(':').Append(Uri.UnescapeDataString(pair[1]));
        }

        return text.ToString();
    }

    private static string Value(HttpRequestMessage request, string name)
    {
        if (name == "Content-Length")
        {
            long length = request.Content?.Headers.ContentLength ?? 0;
            return length == 0 ? "" : length.ToString(CultureInfo.InvariantCulture);
        }

        bool isThere = request.Headers.TryGetValues(name, out var values) || request.Content?.Headers.TryGetValues(name, out values) == true;
        return isThere ? string.Join(", ", values!) : "";
    }
}
