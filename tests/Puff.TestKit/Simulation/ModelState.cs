using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.TestKit.Simulation;

/// <summary>
/// A namespace as a plain dictionary: what every strong read must equal at some moment of its duration. Immutable; each change makes a new one.
/// </summary>
internal sealed record ModelState
{
    private string? text;

    public ModelState()
    {
    }

    /// <summary>For `with`: everything but the remembered text.</summary>
    private ModelState(ModelState other) =>
        (IsLive, IsReadOnly, Documents, Attributes) = (other.IsLive, other.IsReadOnly, other.Documents, other.Attributes);

    public static ModelState Absent { get; } = new();

    public bool IsLive { get; init; }

    public bool IsReadOnly { get; init; }

    public ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<string, object>> Documents { get; init; } =
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<string, object>>.Empty;

    public ImmutableSortedSet<string> Attributes { get; init; } = ImmutableSortedSet<string>.Empty.WithComparer(StringComparer.Ordinal);

    /// <summary>All documents as one text, for comparison.</summary>
    public string Text => text ??= Render(this, _ => true);

    public static ImmutableSortedDictionary<string, object> NoAttributes { get; } =
        ImmutableSortedDictionary<string, object>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The documents that pass, as text.</summary>
    public static string Render(ModelState state, Func<ImmutableSortedDictionary<string, object>, bool> passes)
    {
        var builder = new StringBuilder();
        foreach (var (id, document) in state.Documents)
        {
            if (!passes(document))
            {
                continue;
            }

            builder.Append(CultureInfo.InvariantCulture, $"{id}:");
            foreach (var (name, value) in document)
            {
                builder.Append(CultureInfo.InvariantCulture, $" {name}={value}");
            }

            builder.Append('\n');
        }

        return builder.ToString();
    }

    /// <summary>What a query returned, in the same form.</summary>
    public static string Render(IReadOnlyList<ResultRow> rows)
    {
        var builder = new StringBuilder();
        foreach (var row in rows)
        {
            builder.Append(CultureInfo.InvariantCulture, $"{row.Id.AsUInt}:");
            foreach (var (name, value) in row.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
            {
                builder.Append(CultureInfo.InvariantCulture, $" {name}={Plain(value)}");
            }

            builder.Append('\n');
        }

        return builder.ToString();
    }

    /// <summary>The lines in which two texts differ.</summary>
    public static string Difference(string expected, string found)
    {
        string[] left = expected.Split('\n');
        string[] right = found.Split('\n');
        return $"; missing [{string.Join("; ", left.Except(right).Take(3))}], too much [{string.Join("; ", right.Except(left).Take(3))}]";
    }

    /// <summary>Documents read from the engine as a model's.</summary>
    public static ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<string, object>> DocumentsOf(IReadOnlyList<ResultRow> rows) =>
        rows.ToImmutableSortedDictionary(
            r => r.Id.AsUInt, r => r.Attributes.ToImmutableSortedDictionary(a => a.Key, a => Plain(a.Value), StringComparer.Ordinal));

    public static Value ToValue(object? plain) => plain switch
    {
        null => Value.Null,
        long number => Value.Int(number),
        string text when text.StartsWith('[') => Value.Vector(text[1..^1].Split(' ').Select(p => float.Parse(p, CultureInfo.InvariantCulture)).ToArray()),
        string text => Value.String(text),
        _ => throw new ArgumentException($"{plain.GetType()}", nameof(plain)),
    };

    private static object Plain(Value value) => value.Kind switch
    {
        ValueKind.Int => value.AsInt,
        ValueKind.String => value.AsString,
        ValueKind.VectorF32 => $"[{string.Join(' ', value.AsVectorF32.Select(f => f.ToString("R", CultureInfo.InvariantCulture)))}]",
        _ => throw new ArgumentException($"{value.Kind}", nameof(value)),
    };
}
