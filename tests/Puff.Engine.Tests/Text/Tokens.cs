using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Tests.Text;

/// <summary>Analyses short texts and shows the tokens as strings.</summary>
internal static class Tokens
{
    public static string[] Of(string text, FullTextSettings? settings = null) =>
        Of(System.Text.Encoding.UTF8.GetBytes(text), settings);

    public static string[] Of(byte[] utf8, FullTextSettings? settings = null)
    {
        var buffer = Analyze(utf8, settings);
        return [.. Enumerable.Range(0, buffer.Count).Select(i => System.Text.Encoding.UTF8.GetString(buffer.Term(i)))];
    }

    public static TokenBuffer Analyze(byte[] utf8, FullTextSettings? settings = null)
    {
        var buffer = new TokenBuffer();
        TextAnalyzer.For(settings ?? new FullTextSettings()).Analyze(utf8, buffer);
        return buffer;
    }
}
