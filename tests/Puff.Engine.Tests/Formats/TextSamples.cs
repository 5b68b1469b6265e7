using Puff.Engine.Schema;
using Puff.TestKit.Segments;

namespace Puff.Engine.Tests.Formats;

/// <summary>Token streams from a seed: few words that many documents have and many that few have.</summary>
internal static class TextSamples
{
    public static AttributeDefinition Attribute { get; } =
        new(7, "text", new AttributeType(TypeKind.String)) { FullText = new FullTextSettings() };

    /// <param name="count">Documents; every tenth has no text.</param>
    /// <param name="seed">The same seed, the same documents.</param>
    /// <param name="words">Different words at most.</param>
    /// <param name="tokens">Of one document, at most.</param>
    public static string?[]?[] Documents(int count, int seed, int words = 300, int tokens = 40)
    {
        var random = new Xorshift(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(10) == 0 ? null : Next(random, words, tokens))];
    }

    private static string?[] Next(Xorshift random, int words, int tokens)
    {
        int count = random.Next(random.Next(20) == 0 ? tokens * 8 : tokens);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(12) == 0 ? null : Word(random, words))];
    }

    /// <summary>The smallest of three draws: word 0 is common, the last one rare.</summary>
    private static string Word(Xorshift random, int words)
    {
        int word = Math.Min(Math.Min(random.Next(words), random.Next(words)), Math.Min(random.Next(words), random.Next(words)));
        return word % 17 == 3 ? $"a longer word, number {word}" : word % 19 == 5 ? $"ünïcödé{word}" : $"w{word}";
    }
}
