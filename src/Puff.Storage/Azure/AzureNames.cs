using System.Text;

namespace Puff.Storage.Azure;

/// <summary>
/// Keys as blob names. The service takes a backslash for a slash, drops dots at the end of a part, and lists names as XML, which cannot hold control
/// characters; those are percent-encoded, and so is the percent sign itself. All other names are the keys.
/// Order is kept but for keys with an encoded character, which none of Puff's own has.
/// </summary>
internal static class AzureNames
{
    public static string Encode(string key)
    {
        var name = new StringBuilder(key.Length);
        for (int i = 0; i < key.Length; i++)
        {
            bool endsPart = i + 1 == key.Length || key[i + 1] == '/';
            if (key[i] is '%' or '\\' or '\x7F' or < ' ' || (key[i] == '.' && endsPart))
            {
                name.Append('%').Append(((int)key[i]).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
            else if (key[i] is '\uFFFE' or '\uFFFF')
            {
                name.Append(Uri.EscapeDataString(key[i].ToString()));
            }
            else
            {
                name.Append(key[i]);
            }
        }

        return name.ToString();
    }

    /// <summary>
    /// What the names of all keys that begin with <paramref name="prefix"/> begin with. Shorter than the encoded prefix when that ends in a dot, of which
    /// nobody can tell whether it ends a part: names listed by it still have to be compared with the prefix.
    /// </summary>
    public static string EncodePrefix(string prefix) => Encode(prefix.TrimEnd('.'));

    public static string Decode(string name) => Uri.UnescapeDataString(name);
}
