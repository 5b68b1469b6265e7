using System.Text;
using System.Text.RegularExpressions;

namespace Puff.Engine.Tests.Filters;

/// <summary>Globs by translation into a regular expression, independent of the matcher under test. Without escapes.</summary>
internal static class GlobModel
{
    /// <summary>Null when the glob is malformed.</summary>
    public static string? ToRegex(string pattern)
    {
        var regex = new StringBuilder("^(?:");
        int open = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '*':
                    int stars = 1;
                    for (; i + 1 < pattern.Length && pattern[i + 1] == '*'; i++)
                    {
                        stars++;
                    }

                    bool starts = i + 1 - stars == 0 || pattern[i - stars] == '/';
                    bool segments = stars == 2 && starts && i + 1 < pattern.Length && pattern[i + 1] == '/';
                    regex.Append(segments ? "(?:.*/)?" : ".*");
                    i += segments ? 1 : 0;
                    break;
                case '?':
                    regex.Append('.');
                    break;
                case '[':
                    int end = pattern.IndexOf(']', Math.Min(i + 2, pattern.Length));
                    if (end < 0)
                    {
                        return null;
                    }

                    regex.Append("(?:").AppendJoin('|', pattern[(i + 1)..end].Select(c => Regex.Escape(c.ToString()))).Append(')');
                    i = end;
                    break;
                case '{':
                    open++;
                    regex.Append("(?:");
                    break;
                case '}' when open-- == 0:
                    return null;
                case '}':
                    regex.Append(')');
                    break;
                case ',' when open > 0:
                    regex.Append('|');
                    break;
                default:
                    regex.Append(Regex.Escape(pattern[i].ToString()));
                    break;
            }
        }

        return open > 0 ? null : regex.Append(@")\z").ToString();
    }
}
