namespace Puff.Configuration;

/// <param name="Values">Empty when nobody set it and it has no default.</param>
/// <param name="Source">"flag --listen", "environment PUFF_LISTEN", "puff.toml:3", "default", "not set".</param>
internal sealed record SettingValue(Setting Setting, IReadOnlyList<string> Values, string Source)
{
    /// <summary>The values as one may print them.</summary>
    public string Display => string.Join(", ", Setting.IsSecret ? Values.Select(_ => "(hidden)") : Values);
}

/// <summary>The settings in force: flags win, then the environment, then the file, then the defaults.</summary>
internal sealed class SettingValues
{
    private readonly Dictionary<string, SettingValue> values;

    private SettingValues(Dictionary<string, SettingValue> values) => this.values = values;

    public static SettingValues Resolve(
        Func<Setting, IReadOnlyList<string>> flags, Func<string, string?> environment, IReadOnlyList<ConfigurationEntry> file, string path)
    {
        if (file.FirstOrDefault(entry => !Settings.All.Any(setting => setting.Key == entry.Key)) is { } unknown)
        {
            string known = string.Join(", ", Settings.All.Select(setting => setting.Key));
            throw new ConfigurationException($"{path}:{unknown.Line}: unknown setting '{unknown.Key}'; known are {known}");
        }

        return new SettingValues(Settings.All.ToDictionary(setting => setting.Key, setting =>
        {
            SettingValue value = Find(setting, flags, environment, file, path);
            Check(value);
            return value;
        }));
    }

    public string? Find(Setting setting) => values[setting.Key].Values is [var first, ..] ? first : null;

    /// <summary>For settings with a default.</summary>
    public string Get(Setting setting) => Find(setting) ?? throw new ConfigurationException($"{setting.Flag} must be set");

    public IReadOnlyList<string> GetAll(Setting setting) => values[setting.Key].Values;

    public IEnumerable<SettingValue> All => Settings.All.Select(setting => values[setting.Key]);

    private static SettingValue Find(
        Setting setting, Func<Setting, IReadOnlyList<string>> flags, Func<string, string?> environment, IReadOnlyList<ConfigurationEntry> file, string path)
    {
        if (flags(setting) is { Count: > 0 } given)
        {
            return new SettingValue(setting, given, "flag " + setting.Flag);
        }

        if (environment(setting.Variable) is { Length: > 0 } text)
        {
            const StringSplitOptions clean = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            return new SettingValue(setting, setting.IsList ? text.Split(',', clean) : [text], "environment " + setting.Variable);
        }

        if (file.FirstOrDefault(entry => entry.Key == setting.Key) is { } entry)
        {
            return new SettingValue(setting, entry.Values, $"{path}:{entry.Line}");
        }

        return setting.Default == null ? new SettingValue(setting, [], "not set") : new SettingValue(setting, [setting.Default], "default");
    }

    private static void Check(SettingValue value)
    {
        Setting setting = value.Setting;
        if (!setting.IsList && value.Values.Count > 1)
        {
            throw new ConfigurationException($"{value.Source}: {setting.Key} takes one value");
        }

        if (setting.Choices.Count > 0 && value.Values.FirstOrDefault(one => !setting.Choices.Contains(one)) is { } wrong)
        {
            throw new ConfigurationException($"{value.Source}: '{wrong}' is not one of {string.Join(", ", setting.Choices)}");
        }

        try
        {
            value.Values.ToList().ForEach(setting.Validate);
        }
        catch (FormatException fault)
        {
            throw new ConfigurationException($"{value.Source}: {fault.Message}");
        }
    }
}
