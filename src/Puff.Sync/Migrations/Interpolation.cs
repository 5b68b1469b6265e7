using System.Text;

namespace Puff.Sync.Migrations;

/// <summary>${VAR} and ${VAR:-default} in texts.</summary>
internal static class Interpolation
{
    /// <param name="missing">What stands for a variable that is not set and has no default; may throw.</param>
    public static string Expand(string text, Func<string, string?> known, Func<string, string> missing)
    {
        int next = text.IndexOf("${", StringComparison.Ordinal);
        if (next < 0)
        {
            return text;
        }

        var result = new StringBuilder();
        int at = 0;
        for (; next >= 0; next = text.IndexOf("${", at, StringComparison.Ordinal))
        {
            int end = text.IndexOf('}', next);
            if (end < 0)
            {
                break;
            }

            result.Append(text, at, next - at);
            string inside = text[(next + 2)..end];
            int split = inside.IndexOf(":-", StringComparison.Ordinal);
            string name = split < 0 ? inside : inside[..split];
            string? value = known(name);
            // A default also stands for a variable that is set to nothing.
            result.Append(split < 0 ? value ?? missing(name) : string.IsNullOrEmpty(value) ? inside[(split + 2)..] : value);
            at = end + 1;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>The variables without default in a text that are not set.</summary>
    public static IReadOnlyList<string> Missing(string text, Func<string, string?> known)
    {
        var names = new List<string>();
        Expand(text, known, name =>
        {
            names.Add(name);
            return "";
        });
        return names;
    }
}
