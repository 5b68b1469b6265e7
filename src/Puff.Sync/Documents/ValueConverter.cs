using Puff.Engine.Schema;

namespace Puff.Sync.Documents;

/// <summary>Turns the text of one column's values into values of one attribute. Never called for null. Thread-safe.</summary>
internal abstract class ValueConverter
{
    /// <exception cref="RowException">The value cannot be written.</exception>
    public abstract Value Convert(ReadOnlySpan<byte> text);

    /// <summary>A text that its type's output function cannot have written, or that does not fit the attribute's type.</summary>
    protected static RowException Unreadable(string column, string wanted) =>
        new("value_unreadable", $"a value of column \"{column}\" is no {wanted}", "declare another type for it in [attributes] types");
}
