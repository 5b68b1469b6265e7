using System.Globalization;
using System.Text;

namespace Puff.Sync.Verbs;

/// <summary>Writes migration.toml and the first version of a transform.</summary>
internal static class MigrationText
{
    public static string Write(string mapping, string table, string space, string template, bool isReplace, bool isNewSpace, NewOptions options)
    {
        int dot = table.IndexOf('.', StringComparison.Ordinal);
        var text = new StringBuilder("# Immutable once applied. All keys: docs/reference/sync.md\nformat = 1\n");
        text.Append(CultureInfo.InvariantCulture, $"mapping = {Quote(mapping)}\n");
        text.Append(isReplace ? "action = \"replace\"\n" : "");
        text.Append(CultureInfo.InvariantCulture, $"\n[source]\nschema = {Quote(dot < 0 ? "public" : table[..dot])}\ntable = {Quote(table[(dot + 1)..])}\n");
        AppendList(text, "columns", options.Columns);
        if (options.Where is { } where)
        {
            text.Append(CultureInfo.InvariantCulture, $"where = {Quote(where)}\n");
        }

        if (options.Id is { Count: > 0 })
        {
            text.Append("\n[id]\n");
            AppendList(text, "columns", options.Id);
        }

        bool hasVector = template is "openai" or "ollama" or "builtin";
        text.Append(CultureInfo.InvariantCulture, $"\n[target]\nnamespace = {Quote(space)}\n");
        text.Append(hasVector ? "distance_metric = \"cosine_distance\"\n" : "");
        if (template is "openai" or "ollama")
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[target.schema]\nvector = {{ type = \"[{(template == "ollama" ? 768 : 1536)}]f32\", ann = true }}\n");
        }

        text.Append(template switch
        {
            "none" => "\n[transform]\nkind = \"none\"\n",
            "csharp" => "\n[transform]\nkind = \"csharp\"\nentry = \"transform.dll\"       # beside this file\ntype = \"MyNamespace.MyTransform\"\n",
            "builtin" => Embed(options.EmbedColumns),
            _ => "\n[transform]\nkind = \"typescript\"\n",
        });
        if (isReplace)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\n[replace]\nrows = \"all\"                 # or \"new_changes\": nothing retroactive\nnamespace = \"{(isNewSpace ? "new" : "same")}\"\n");
        }

        return text.ToString();
    }

    /// <summary>Null for templates without code.</summary>
    public static string? TransformOf(string template, string mapping) => template is "none" or "builtin" or "csharp"
        ? null
        : InitVerb.Template($"{template}.ts").Replace("{mapping}", mapping, StringComparison.Ordinal)
            .Replace("{Row}", RowNameOf(mapping), StringComparison.Ordinal);

    /// <summary>A TOML text on one line.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char letter in text)
        {
            quoted.Append(letter switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                < ' ' or '\u007F' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)letter:X4}"),
                _ => letter.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>The interface's name of a mapping's rows: "blog_posts" → "BlogPosts".</summary>
    public static string RowNameOf(string mapping)
    {
        string name = string.Concat(mapping.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
        return name.Length == 0 || char.IsAsciiDigit(name[0]) ? $"Row{name}" : name;
    }

    private static string Embed(IReadOnlyList<string>? columns) =>
        $"\n[transform]\nkind = \"none\"\n\n[embed]\nfrom = {List(columns is { Count: > 0 } ? columns : ["title", "body"])}\nattribute = \"vector\"\n" +
        "provider = \"openai\"\nmodel = \"text-embedding-3-small\"\ndimensions = 1536\n# base_url = \"...\"           # any endpoint with the same API\n";

    private static void AppendList(StringBuilder text, string key, IReadOnlyList<string>? values)
    {
        if (values is { Count: > 0 })
        {
            text.Append(CultureInfo.InvariantCulture, $"{key} = {List(values)}\n");
        }
    }

    private static string List(IEnumerable<string> values) => $"[{string.Join(", ", values.Select(Quote))}]";
}
