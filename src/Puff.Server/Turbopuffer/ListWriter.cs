using Puff.Engine.Namespaces;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>One page of the namespace list (turbopuffer-api 5.1).</summary>
internal static class ListWriter
{
    public static void Write(JsonOutput output, NamespacePage page)
    {
        output.BeginObject();
        output.Name("namespaces"u8);
        output.BeginArray();
        foreach (string name in page.Names)
        {
            output.BeginObject();
            output.Name("id"u8);
            output.Text(name);
            output.EndObject();
        }

        output.EndArray();
        if (page.Next is { } next)
        {
            output.Name("next_cursor"u8);
            output.Text(ListCursor.Encode(next));
        }

        output.EndObject();
    }
}
