using System.Buffers;
using System.Text;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>One attribute name of a request, and where it stands in the row that is being read.</summary>
internal sealed class AttributeName(string text, byte[] utf8, ValueHint hint)
{
    public string Text { get; } = text;

    public byte[] Utf8 { get; } = utf8;

    public ValueHint Hint { get; } = hint;

    public bool IsId { get; } = text == "id";

    /// <summary>The last row that had the name, and its position in that row: finds repeated keys without a search.</summary>
    public int Row { get; set; } = -1;

    public int Position { get; set; }

    /// <summary>The name that came after this one last time.</summary>
    public AttributeName? Follower { get; set; }
}

/// <summary>
/// The attribute names of one request, each stored once. Rows of a request mostly have the same keys in the same order, so the name that followed last time
/// is tried before the dictionary.
/// </summary>
internal sealed class AttributeNames(NamespaceSchema? known, SchemaUpdate? declared)
{
    private const int StackChars = 256;

    private readonly Dictionary<string, AttributeName> names = new(StringComparer.Ordinal);
    private AttributeName? first;
    private int rows;

    /// <summary>A number no other row of the request has: upserts and patches share the names, so they must not share row numbers.</summary>
    public int NextRow() => ++rows;

    /// <param name="previous">The name before this one in the same object; null at its beginning.</param>
    public AttributeName Resolve(ref JsonCursor cursor, AttributeName? previous)
    {
        var expected = previous is null ? first : previous.Follower;
        if (expected is not null && !cursor.IsEscaped && cursor.RawText.SequenceEqual(expected.Utf8))
        {
            return expected;
        }

        var name = Find(ref cursor);
        if (previous is null)
        {
            first = name;
        }
        else
        {
            previous.Follower = name;
        }

        return name;
    }

    private AttributeName Find(ref JsonCursor cursor)
    {
        if (cursor.IsEscaped || cursor.RawText.Length > StackChars)
        {
            string text = cursor.GetText();
            return names.TryGetValue(text, out var known) ? known : Add(text);
        }

        Span<char> chars = stackalloc char[StackChars];
        OperationStatus status = System.Text.Unicode.Utf8.ToUtf16(cursor.RawText, chars, out _, out int count);
        System.Diagnostics.Debug.Assert(status == OperationStatus.Done, "bodies are valid UTF-8");
        return names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..count], out var found) ? found : Add(new string(chars[..count]));
    }

    private AttributeName Add(string text)
    {
        var name = new AttributeName(text, Encoding.UTF8.GetBytes(text), ValueHints.Of(text, known, declared));
        names.Add(text, name);
        return name;
    }
}
