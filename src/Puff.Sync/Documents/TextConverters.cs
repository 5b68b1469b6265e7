using System.Text.Unicode;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>The limits on an attribute's strings, and what happens beyond them.</summary>
/// <param name="attribute">Whose values.</param>
/// <param name="policy">For values too long to be filterable.</param>
internal sealed class TextLimit(AttributeState attribute, LongTextPolicy policy, ConversionCounters counters)
{
    public const int MaxBytes = 8 << 20;
    public const int MaxFilterableBytes = 4096;

    /// <summary>The part of a text that may be written.</summary>
    public ReadOnlySpan<byte> Check(ReadOnlySpan<byte> text)
    {
        if (text.Length <= MaxFilterableBytes)
        {
            return text;
        }

        if (text.Length > MaxBytes)
        {
            throw new RowException(
                "value_too_long", $"attribute \"{attribute.Name}\" has {text.Length} bytes, the limit is {MaxBytes}", "exclude the column or shorten it");
        }

        return attribute.IsFilterable ? Shorten(text) : text;
    }

    private ReadOnlySpan<byte> Shorten(ReadOnlySpan<byte> text)
    {
        switch (policy)
        {
            case LongTextPolicy.Fail:
                throw new RowException(
                    "value_too_long", $"attribute \"{attribute.Name}\" is filterable and has {text.Length} bytes, the limit is {MaxFilterableBytes}",
                    "declare it with filterable = false, or use [attributes] long_text");
            case LongTextPolicy.Unfilterable:
                attribute.GiveUpFilterable();
                return text;
        }

        counters.CountTruncated();
        int end = MaxFilterableBytes;
        while ((text[end] & 0xC0) == 0x80)
        {
            end--;
        }

        return text[..end];
    }
}

/// <summary>Text as it is; bytes that are no UTF-8 (SQL_ASCII databases) are replaced.</summary>
internal class TextConverter(TextLimit limit, ConversionCounters counters) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        if (Utf8.IsValid(text))
        {
            return Value.Utf8(limit.Check(text).ToArray());
        }

        counters.CountTextReplaced();
        byte[] replaced = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(text));
        return Value.Utf8(limit.Check(replaced).ToArray());
    }
}

/// <summary>char(n): the blanks on the right are padding.</summary>
internal sealed class PaddedTextConverter(TextLimit limit, ConversionCounters counters) : TextConverter(limit, counters)
{
    public override Value Convert(ReadOnlySpan<byte> text) => base.Convert(text.TrimEnd((byte)' '));
}

/// <summary>Text that another form is made of first.</summary>
internal sealed class RewrittenTextConverter(TextLimit limit, Func<ReadOnlySpan<byte>, byte[]> rewrite) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        byte[] rewritten = rewrite(text);
        var kept = limit.Check(rewritten);
        return Value.Utf8(kept.Length == rewritten.Length ? rewritten : kept.ToArray());
    }
}
