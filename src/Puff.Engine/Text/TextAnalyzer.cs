using System.Collections.Concurrent;
using Puff.Engine.Schema;

namespace Puff.Engine.Text;

/// <summary>The whole pipeline of turbopuffer-api 6.1 for one attribute's settings. Immutable, for any number of threads.</summary>
internal sealed class TextAnalyzer
{
    private static readonly ConcurrentDictionary<Key, TextAnalyzer> Known = new();

    private readonly Key key;
    private readonly TokenNormalizer normalizer;

    private TextAnalyzer(Key key)
    {
        this.key = key;
        normalizer = new TokenNormalizer(
            key.RemoveStopwords ? StopWords.For(key.Language) : null,
            key.Stemming ? Stemmer.For(key.Language) : null,
            key.AsciiFolding,
            isLowerCased: !key.CaseSensitive);
    }

    /// <summary>The analyzer of these settings: one for all attributes that analyse alike.</summary>
    public static TextAnalyzer For(FullTextSettings settings) => Known.GetOrAdd(
        new Key(
            settings.Tokenizer,
            settings.Language,
            settings.Stemming,
            settings.RemoveStopwords,
            settings.CaseSensitive,
            settings.AsciiFolding,
            settings.MaxTokenLength),
        static key => new TextAnalyzer(key));

    /// <summary>True if texts are given as lists of tokens (pre_tokenized_array).</summary>
    public bool IsPreTokenized => key.Tokenizer == FullTextDeclaration.PreTokenized;

    /// <summary>
    /// Appends the tokens of one text to <paramref name="tokens"/>. Elements of a []string are analysed one after another: their positions go on.
    /// Bytes that are no valid UTF-8 separate tokens.
    /// </summary>
    public void Analyze(ReadOnlySpan<byte> utf8, TokenBuffer tokens)
    {
        if (IsPreTokenized)
        {
            AnalyzeToken(utf8, tokens);
            return;
        }

        int first = tokens.Count;
        Scan(utf8, tokens);
        normalizer.Normalize(tokens, first, tokens.Count);
        tokens.Elements++;
    }

    /// <summary>
    /// As <see cref="Analyze"/> for a query whose last token is the beginning of one (`last_as_prefix`): that one is not stemmed and no stop word.
    /// </summary>
    /// <returns>True if the last token of the buffer is such a beginning; false if the text has no token.</returns>
    public bool AnalyzeWithPrefix(ReadOnlySpan<byte> utf8, TokenBuffer tokens)
    {
        if (IsPreTokenized)
        {
            AnalyzeToken(utf8, tokens);
            return true;
        }

        int first = tokens.Count;
        Scan(utf8, tokens);
        bool hasTokens = tokens.Count > first;
        normalizer.Normalize(tokens, first, tokens.Count - 1);
        tokens.Elements++;
        return hasTokens;
    }

    /// <summary>Appends one element as one token, exactly as it is (pre_tokenized_array).</summary>
    public void AnalyzeToken(ReadOnlySpan<byte> utf8, TokenBuffer tokens)
    {
        int from = tokens.BytesUsed;
        utf8.CopyTo(tokens.BytesAt(from, utf8.Length));
        tokens.BytesUsed = from + utf8.Length;
        tokens.Add(from, utf8.Length, 0, utf8.Length);
        tokens.Positions++;
        tokens.Elements++;
    }

    private void Scan(ReadOnlySpan<byte> utf8, TokenBuffer tokens)
    {
        bool isLowerCased = !key.CaseSensitive;
        switch (key.Tokenizer)
        {
            case "word_v0":
                TokenScanner<RunSegmenter<ZerothRules>>.Scan(utf8, tokens, key.MaxTokenLength, isLowerCased);
                break;
            case "word_v1":
                TokenScanner<RunSegmenter<FirstRules>>.Scan(utf8, tokens, key.MaxTokenLength, isLowerCased);
                break;
            case "word_v2":
                TokenScanner<RunSegmenter<SecondRules>>.Scan(utf8, tokens, key.MaxTokenLength, isLowerCased);
                break;
            default:
                TokenScanner<WordSegmenter>.Scan(utf8, tokens, key.MaxTokenLength, isLowerCased);
                break;
        }
    }

    private readonly record struct Key(
        string Tokenizer, string Language, bool Stemming, bool RemoveStopwords, bool CaseSensitive, bool AsciiFolding, int MaxTokenLength);
}
