using System.Text;

namespace Puff.Output;

/// <summary>Comma-separated values as RFC 4180 has them.</summary>
internal static class Csv
{
    private static readonly System.Buffers.SearchValues<char> Special = System.Buffers.SearchValues.Create(",\"\r\n");

    public static string Line(IEnumerable<string> cells) => string.Join(',', cells.Select(Quote));

    /// <summary>The cells of the next record, which may span lines; null at the end. Blank lines are no records.</summary>
    /// <exception cref="CommandException">A quote is never closed, or text follows a closing quote.</exception>
    public static List<string>? Read(TextReader reader, ref long line)
    {
        while (reader.Peek() is '\r' or '\n')
        {
            line += reader.Read() == '\n' ? 1 : 0;
        }

        if (reader.Peek() < 0)
        {
            return null;
        }

        var cells = new List<string>();
        while (true)
        {
            cells.Add(reader.Peek() == '"' ? ReadQuoted(reader, ref line) : ReadPlain(reader));
            int mark = reader.Read();
            if (mark == '\r' && reader.Peek() == '\n')
            {
                mark = reader.Read();
            }

            if (mark == ',')
            {
                continue;
            }

            line++;
            return mark is '\n' or '\r' or < 0 ? cells : throw new CommandException(ExitCode.Failed, $"line {line}: text after a closing quote");
        }
    }

    private static string ReadPlain(TextReader reader)
    {
        var cell = new StringBuilder();
        while (reader.Peek() is >= 0 and not (',' or '\r' or '\n'))
        {
            cell.Append((char)reader.Read());
        }

        return cell.ToString();
    }

    private static string ReadQuoted(TextReader reader, ref long line)
    {
        long began = line;
        var cell = new StringBuilder();
        reader.Read();
        while (true)
        {
            int next = reader.Read();
            if (next < 0)
            {
                throw new CommandException(ExitCode.Failed, $"line {began + 1}: the quote is never closed");
            }

            if (next == '"' && reader.Peek() != '"')
            {
                return cell.ToString();
            }

            line += next == '\n' ? 1 : 0;
            cell.Append((char)(next == '"' ? reader.Read() : next));
        }
    }

    private static string Quote(string cell) =>
        cell.AsSpan().ContainsAny(Special) ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;
}
