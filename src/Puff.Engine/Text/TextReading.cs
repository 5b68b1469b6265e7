using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Text;

/// <summary>Analyses the text that a document has for one attribute.</summary>
internal static class TextReading
{
    /// <summary>Replaces the tokens by those of a row's text; false when it has none, which is not the same as an empty one.</summary>
    public static bool ReadRow(TextAnalyzer analyzer, AttributeDefinition attribute, ReadOnlySpan<byte> row, TokenBuffer tokens)
    {
        tokens.Clear();
        if (!TextElements.TryFind(row, attribute, out var payload))
        {
            return false;
        }

        foreach (var text in new TextElements(attribute.Type, payload))
        {
            analyzer.Analyze(text, tokens);
        }

        return true;
    }

    /// <summary>Replaces the tokens by those of a value; false when it is null.</summary>
    public static bool ReadValue(TextAnalyzer analyzer, in Value value, TokenBuffer tokens)
    {
        tokens.Clear();
        switch (value.Kind)
        {
            case ValueKind.Null:
                return false;
            case ValueKind.String:
                analyzer.Analyze(value.AsBytes, tokens);
                break;
            case ValueKind.StringArray:
                foreach (byte[] text in value.AsBytesArray)
                {
                    analyzer.Analyze(text, tokens);
                }

                break;
        }

        return true;
    }
}
