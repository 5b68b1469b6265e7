using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The fragments of a highlight (turbopuffer-api 4.6).</summary>
internal static class HighlightWriter
{
    public static void Write(JsonOutput output, IReadOnlyList<HighlightFragment> fragments)
    {
        output.BeginArray();
        foreach (var fragment in fragments)
        {
            output.BeginObject();
            output.Name("text"u8);
            output.Text(fragment.Text);
            if (fragment.Range is { } range)
            {
                output.Name("fragment_range"u8);
                WriteRange(output, range);
            }

            if (fragment.Matches is { } matches)
            {
                output.Name("match_ranges"u8);
                output.BeginArray();
                foreach (var match in matches)
                {
                    WriteRange(output, match);
                }

                output.EndArray();
            }

            if (fragment.ArrayIndex is { } index)
            {
                output.Name("array_index"u8);
                output.Number((long)index);
            }

            output.EndObject();
        }

        output.EndArray();
    }

    private static void WriteRange(JsonOutput output, OffsetRange range)
    {
        output.BeginArray();
        output.Number((long)range.Start);
        output.Number((long)range.End);
        output.EndArray();
    }
}
