using System.Globalization;
using System.Text.Json;
using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <summary>A text that may name variables; they are asked for when the text is needed, so that commands that do not need it run without them.</summary>
/// <param name="Raw">As written.</param>
/// <param name="Where">"sync.toml:3: source.url", for messages.</param>
internal sealed record VariableText(string Raw, string Where)
{
    public IReadOnlyList<string> Missing(SyncEnvironment environment) => Interpolation.Missing(Raw, environment.Find);

    /// <exception cref="SyncException">A variable is not set: missing_environment.</exception>
    public string Get(SyncEnvironment environment) => Interpolation.Expand(Raw, environment.Find, name => throw new SyncException(
        SyncExit.Usage, "missing_environment", $"{Where} needs the variable {name}, which is not set (looked in: {string.Join(", ", environment.Files)}).",
        "set it, or pass --env-file"));

    /// <summary>Null when a variable is not set, or when nothing is left.</summary>
    public string? Find(SyncEnvironment environment) => Missing(environment).Count > 0 || Get(environment) is "" ? null : Get(environment);
}

/// <summary>A table of a settings file: typed values with their defaults, problems with file and line, unknown keys with the nearest known one.</summary>
internal sealed class SectionReader
{
    private readonly TomlTable? table;
    private readonly string name;
    private readonly ConfigProblems problems;
    private readonly SyncEnvironment environment;
    private readonly string? variablePrefix;
    private readonly List<string> known = [];
    private readonly List<SectionReader> sections = [];

    /// <param name="variablePrefix">PUFF_SYNC where variables override keys; null where they do not.</param>
    public SectionReader(TomlTable? table, string name, ConfigProblems problems, SyncEnvironment environment, string? variablePrefix)
    {
        this.table = table;
        this.name = name;
        this.problems = problems;
        this.environment = environment;
        this.variablePrefix = variablePrefix;
    }

    public bool Exists => table != null;

    public int Line => table?.Line ?? 1;

    public ConfigProblems Problems => problems;

    public bool Has(string key) => FindRaw(key) != null;

    public int LineOf(string key) => table?.Find(key)?.Line ?? Line;

    /// <summary>A table inside this one; it is there, empty, when it was not written.</summary>
    public SectionReader Section(string key)
    {
        TomlValue? value = Know(key);
        if (sections.Find(one => one.name == FullName(key)) is { } opened)
        {
            return opened;
        }

        if (value is not (null or TomlTable))
        {
            problems.Add(value.Line, $"`{FullName(key)}` must be a table, [{FullName(key)}]");
        }

        var section = new SectionReader(value as TomlTable, FullName(key), problems, environment, variablePrefix);
        sections.Add(section);
        return section;
    }

    /// <summary>The tables of a table: [destinations.NAME].</summary>
    public IReadOnlyList<(string Name, SectionReader Section)> Sections(string key, IEnumerable<string> always)
    {
        SectionReader outer = Section(key);
        var names = (outer.table?.Entries.Select(entry => entry.Key) ?? []).Union(always).ToList();
        return [.. names.Select(one => (one, outer.Section(one)))];
    }

    public string? Text(string key) => FindRaw(key) is { } raw ? Expand(key, AsText(key, raw)) : null;

    /// <summary>A text that is not empty and passes a test.</summary>
    public string? Text(string key, Func<string, bool> isLegal, string form)
    {
        string? text = Text(key);
        if (text != null && !isLegal(text))
        {
            Complain(key, $"`{FullName(key)}` is \"{text}\"; it must be {form}");
        }

        return text;
    }

    public string Required(string key)
    {
        if (Text(key) is { Length: > 0 } text)
        {
            return text;
        }

        Complain(key, $"`{FullName(key)}` is required");
        return "";
    }

    public VariableText? Variable(string key, string? @default)
    {
        object? raw = FindRaw(key);
        string where = raw is TomlValue value ? $"{problems.Path}:{value.Line}: {FullName(key)}" : FullName(key);
        return raw != null ? new VariableText(AsText(key, raw), where) : @default != null ? new VariableText(@default, where) : null;
    }

    public bool? Flag(string key)
    {
        switch (FindRaw(key))
        {
            case null:
                return null;
            case TomlScalar { Kind: TomlKind.Boolean } scalar:
                return scalar.Integer == 1;
            case string and ("true" or "false") and var text:
                return text is "true";
            default:
                Complain(key, $"`{FullName(key)}` must be true or false");
                return null;
        }
    }

    public int? Count(string key, int least, int most = int.MaxValue)
    {
        object? raw = FindRaw(key);
        long? number = raw switch
        {
            TomlScalar { Kind: TomlKind.Integer } scalar => scalar.Integer,
            string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed) => parsed,
            _ => null,
        };
        if (raw != null && (number is null || number < least || number > most))
        {
            Complain(key, most == int.MaxValue
                ? $"`{FullName(key)}` must be a whole number from {least}"
                : $"`{FullName(key)}` must be a whole number from {least} to {most}");
            return null;
        }

        return (int?)number;
    }

    public double? Number(string key)
    {
        switch (FindRaw(key))
        {
            case null:
                return null;
            case TomlScalar { Kind: TomlKind.Float } scalar when double.IsFinite(scalar.Number):
                return scalar.Number;
            case TomlScalar { Kind: TomlKind.Integer } scalar:
                return scalar.Integer;
            default:
                Complain(key, $"`{FullName(key)}` must be a number");
                return null;
        }
    }

    public TimeSpan? Duration(string key, bool mayBeZero = false)
    {
        if (FindRaw(key) is not { } raw)
        {
            return null;
        }

        if (!Quantity.TryReadDuration(Expand(key, ScalarText(raw)), out TimeSpan duration))
        {
            Complain(key, $"`{FullName(key)}` must be a duration: a number and ms, s, m, h or d, as in \"30s\"");
        }
        else if (duration == TimeSpan.Zero && !mayBeZero)
        {
            Complain(key, $"`{FullName(key)}` must be more than zero");
        }

        return duration;
    }

    public long? Size(string key)
    {
        if (FindRaw(key) is not { } raw)
        {
            return null;
        }

        if (!Quantity.TryReadSize(Expand(key, ScalarText(raw)), out long bytes))
        {
            Complain(key, $"`{FullName(key)}` must be a size: a number and KiB, MiB or GiB, as in \"8MiB\"");
        }
        else if (bytes == 0)
        {
            Complain(key, $"`{FullName(key)}` must be more than zero");
        }

        return bytes;
    }

    public IReadOnlyList<string>? Texts(string key)
    {
        switch (FindRaw(key))
        {
            case null:
                return null;
            case string text:
                return text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            case TomlArray array when array.Items.All(item => item.Kind == TomlKind.String):
                return [.. array.Items.Select(item => Expand(key, ((TomlScalar)item).Text))];
            default:
                Complain(key, $"`{FullName(key)}` must be a list of texts, as in [\"a\", \"b\"]");
                return null;
        }
    }

    /// <summary>Members are written in snake case.</summary>
    public T? Choice<T>(string key)
        where T : struct, Enum =>
        Choice(key, [.. Enum.GetValues<T>().Select(one => (JsonNamingPolicy.SnakeCaseLower.ConvertName(one.ToString()), one))]);

    /// <param name="usual">A word that means the default; null for none.</param>
    public T? Choice<T>(string key, IReadOnlyList<(string Name, T Value)> choices, string? usual = null)
        where T : struct
    {
        if (FindRaw(key) is not { } raw)
        {
            return null;
        }

        string text = Expand(key, ScalarText(raw));
        if (text == usual)
        {
            return null;
        }

        foreach (var (choice, value) in choices)
        {
            if (choice == text)
            {
                return value;
            }
        }

        string[] names = [.. usual is null ? [] : new[] { usual }, .. choices.Select(choice => choice.Name)];
        string meant = Suggestion.For(text, names) is { } nearest ? $", did you mean `{nearest}`?" : "";
        Complain(key, $"`{FullName(key)}` is \"{text}\"; it must be one of {string.Join(", ", names)}{meant}");
        return null;
    }

    /// <summary>A table of texts: column → attribute.</summary>
    public IReadOnlyDictionary<string, string>? TextMap(string key)
    {
        switch (FindRaw(key))
        {
            case null:
                return null;
            case TomlTable map when map.Entries.All(entry => entry.Value.Kind == TomlKind.String):
                return map.Entries.ToDictionary(entry => entry.Key, entry => Expand(key, ((TomlScalar)entry.Value).Text), StringComparer.Ordinal);
            default:
                Complain(key, $"`{FullName(key)}` must be a table of texts, as in {{ column = \"attribute\" }}");
                return null;
        }
    }

    /// <summary>A value whose form the caller checks.</summary>
    public TomlValue? Value(string key) => Know(key);

    /// <summary>All keys are known.</summary>
    public void Know(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            Know(key);
        }
    }

    /// <summary>Complains of every key that nobody asked for, here and in the tables inside.</summary>
    public void Finish()
    {
        foreach (var (key, value) in table?.Entries ?? [])
        {
            if (!known.Contains(key))
            {
                problems.Add(value.Line, $"unknown key `{FullName(key)}`{Suggestion.Phrase(key, known)}");
            }
        }

        foreach (SectionReader section in sections)
        {
            section.Finish();
        }
    }

    public void Complain(string key, string what)
    {
        if (table?.Find(key) is null && variablePrefix != null && environment.Find(VariableOf(key)) != null)
        {
            problems.AddFromVariable(VariableOf(key), what);
        }
        else
        {
            problems.Add(LineOf(key), what);
        }
    }

    private TomlValue? Know(string key)
    {
        if (!known.Contains(key))
        {
            known.Add(key);
        }

        return table?.Find(key);
    }

    /// <summary>The file's value, or the text of the variable that overrides it.</summary>
    private object? FindRaw(string key)
    {
        TomlValue? value = Know(key);
        return variablePrefix != null && environment.Find(VariableOf(key)) is { } text ? text : value;
    }

    private string VariableOf(string key) => $"{variablePrefix}_{FullName(key).Replace('.', '_').Replace('-', '_').ToUpperInvariant()}";

    private string FullName(string key) => name.Length == 0 ? key : $"{name}.{key}";

    private string AsText(string key, object raw)
    {
        if (raw is string text)
        {
            return text;
        }

        if (raw is TomlScalar { Kind: TomlKind.String } scalar)
        {
            return scalar.Text;
        }

        Complain(key, $"`{FullName(key)}` must be a text in quotes");
        return "";
    }

    private static string ScalarText(object raw) => raw as string ?? (raw as TomlScalar)?.Text ?? "";

    private string Expand(string key, string text)
    {
        foreach (string variable in Interpolation.Missing(text, environment.Find))
        {
            problems.Add(LineOf(key), "missing_environment", $"`{FullName(key)}` needs the variable {variable}, which is not set",
                "set it, or pass --env-file");
        }

        return Interpolation.Expand(text, environment.Find, _ => "");
    }
}
