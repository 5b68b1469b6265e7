using System.Globalization;

namespace Puff.Sync.Toml;

public enum TomlKind
{
    String,
    Integer,
    Float,
    Boolean,
    OffsetDateTime,
    LocalDateTime,
    LocalDate,
    LocalTime,
    Array,
    Table,
}

/// <summary>A value of a TOML document, and where it stands.</summary>
public abstract class TomlValue(TomlKind kind, int line)
{
    public TomlKind Kind { get; } = kind;

    /// <summary>From 1: where the key stands, or the value in an array.</summary>
    public int Line { get; } = line;
}

/// <summary>A value that is neither array nor table.</summary>
public sealed class TomlScalar : TomlValue
{
    internal TomlScalar(TomlKind kind, string text, int line)
        : base(kind, line) => Text = text;

    internal TomlScalar(TomlKind kind, string text, long integer, int line)
        : base(kind, line)
    {
        Text = text;
        Integer = integer;
    }

    internal TomlScalar(string text, double number, int line)
        : base(TomlKind.Float, line)
    {
        Text = text;
        Number = number;
    }

    /// <summary>
    /// A string's characters; a number as it is written, without underscores; true or false; a date or time in the form of RFC 3339, with 'T' and 'Z'.
    /// </summary>
    public string Text { get; }

    /// <summary>Of <see cref="TomlKind.Integer"/>; 1 for true.</summary>
    public long Integer { get; }

    /// <summary>Of <see cref="TomlKind.Float"/>.</summary>
    public double Number { get; }

    public override string ToString() => Text;
}

/// <summary>Values of any kinds.</summary>
public sealed class TomlArray : TomlValue
{
    private readonly List<TomlValue> items = [];

    internal TomlArray(bool isOfTables, int line)
        : base(TomlKind.Array, line) => IsOfTables = isOfTables;

    public IReadOnlyList<TomlValue> Items => items;

    /// <summary>Written as [[name]], one header for each table.</summary>
    internal bool IsOfTables { get; }

    internal void Add(TomlValue value) => items.Add(value);
}

/// <summary>Keys and values in the order they were written.</summary>
public sealed class TomlTable : TomlValue
{
    private readonly List<KeyValuePair<string, TomlValue>> entries = [];
    private readonly Dictionary<string, TomlValue> byKey = new(StringComparer.Ordinal);

    internal TomlTable(TomlTableOrigin origin, int line)
        : base(TomlKind.Table, line) => Origin = origin;

    public IReadOnlyList<KeyValuePair<string, TomlValue>> Entries => entries;

    /// <summary>How it came to be, which decides who may still add to it.</summary>
    internal TomlTableOrigin Origin { get; set; }

    public TomlValue? Find(string key) => byKey.GetValueOrDefault(key);

    internal bool TryAdd(string key, TomlValue value)
    {
        if (!byKey.TryAdd(key, value))
        {
            return false;
        }

        entries.Add(new(key, value));
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"table with {entries.Count} keys");
}

internal enum TomlTableOrigin
{
    /// <summary>Named only as a part of a header; a header of its own may follow.</summary>
    AboveHeader,
    Header,

    /// <summary>Made by a dotted key; only dotted keys of the same table add to it.</summary>
    DottedKey,

    /// <summary>Written in braces: complete.</summary>
    Inline,
}
