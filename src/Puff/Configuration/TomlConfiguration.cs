using System.Text;
using Puff.Sync.Toml;

namespace Puff.Configuration;

/// <summary>
/// Settings in TOML: tables become parts of the key. Settings are texts, numbers, booleans and lists of them; other values are refused by
/// name.
/// </summary>
internal sealed class TomlConfiguration : IConfigurationFormat
{
    public IReadOnlyList<ConfigurationEntry> Read(string text, string path)
    {
        var entries = new List<ConfigurationEntry>();
        try
        {
            Flatten("", TomlReader.Read(text, path), path, entries);
        }
        catch (TomlException error)
        {
            throw new ConfigurationException(error.Message);
        }

        return [.. entries.OrderBy(entry => entry.Line)];
    }

    private static void Flatten(string prefix, TomlTable table, string path, List<ConfigurationEntry> entries)
    {
        foreach (var (name, value) in table.Entries)
        {
            string key = prefix + name;
            if (value is TomlTable inner)
            {
                Flatten(key + ".", inner, path, entries);
                continue;
            }

            IReadOnlyList<TomlValue> values = value is TomlArray array ? array.Items : [value];
            entries.Add(new ConfigurationEntry(key, [.. values.Select(one => TextOf(key, one, path))], value.Line));
        }
    }

    private static string TextOf(string key, TomlValue value, string path) =>
        value is TomlScalar { Kind: TomlKind.String or TomlKind.Integer or TomlKind.Float or TomlKind.Boolean } scalar
            ? scalar.Text
            : throw new ConfigurationException(
                $"{path}:{value.Line}: '{key}' cannot be {NameOf(value.Kind)}; write a text, a number, true, false, or a list of them");

    private static string NameOf(TomlKind kind)
    {
        var name = new StringBuilder("a");
        foreach (char letter in kind.ToString())
        {
            name.Append(char.IsUpper(letter) ? " " : "").Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }
}
