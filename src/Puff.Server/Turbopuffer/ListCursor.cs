using System.Buffers.Text;
using System.Text;
using Puff.Engine;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// Cursors of the namespace list: opaque to clients, and refused when they were not made here. Inside: a version letter and the last name of the page.
/// </summary>
internal static class ListCursor
{
    private const char Version = '1';

    public static string Encode(string after) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Version + after));

    public static string Decode(string cursor)
    {
        const int MaxCursorChars = 256;
        if (cursor.Length <= MaxCursorChars && Base64Url.IsValid(cursor))
        {
            string text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
            if (text.StartsWith(Version) && NamespaceName.IsValid(text.AsSpan(1)))
            {
                return text[1..];
            }
        }

        throw PuffException.Invalid("cursor: this is no cursor of a namespace list; begin again without one");
    }
}
