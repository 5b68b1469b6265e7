namespace Puff.Engine.Schema;

/// <summary>Merges a `full_text_search` declaration into the settings an attribute has and checks the result (turbopuffer-api 2.6, 6.3, 6.4).</summary>
internal static class FullTextDeclaration
{
    public const string PreTokenized = "pre_tokenized_array";

    private const int MaxTokenLengthLimit = 254;

    private static readonly string[] Tokenizers = ["word_v0", "word_v1", "word_v2", "word_v3", "word_v4", PreTokenized];

    private static readonly string[] Languages =
    [
        "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian",
        "italian", "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
    ];

    private static readonly string[] LanguagesWithoutStopwords = ["arabic", "greek", "romanian", "tamil", "turkish"];

    /// <param name="existing">Null when the attribute has no full-text index yet.</param>
    /// <returns>Null when the index is turned off.</returns>
    public static FullTextSettings? Apply(string name, AttributeType type, FullTextSettings? existing, FullTextUpdate update)
    {
        if (!update.Enabled)
        {
            return null;
        }

        if (type.Kind is not (TypeKind.String or TypeKind.StringArray))
        {
            throw PuffException.Invalid($"attribute \"{name}\" is a {type}: full_text_search is for string and []string attributes");
        }

        CheckVariant(name, "tokenizer", update.Tokenizer, Tokenizers);
        CheckVariant(name, "language", update.Language, Languages);
        var settings = Merge(existing ?? new FullTextSettings(), update);
        if (settings.Tokenizer == PreTokenized)
        {
            CheckPreTokenized(name, type, existing, update, settings);

            // Tokens are compared exactly, whatever the settings were before.
            settings = settings with { CaseSensitive = true };
        }

        CheckNumbers(name, settings);
        CheckNormalisation(name, settings);
        return settings;
    }

    private static FullTextSettings Merge(FullTextSettings settings, FullTextUpdate update) => new()
    {
        Tokenizer = update.Tokenizer ?? settings.Tokenizer,
        Language = update.Language ?? settings.Language,
        Stemming = update.Stemming ?? settings.Stemming,
        RemoveStopwords = update.RemoveStopwords ?? settings.RemoveStopwords,
        CaseSensitive = update.CaseSensitive ?? settings.CaseSensitive,
        AsciiFolding = update.AsciiFolding ?? settings.AsciiFolding,
        MaxTokenLength = update.MaxTokenLength ?? settings.MaxTokenLength,
        K1 = update.K1 ?? settings.K1,
        B = update.B ?? settings.B,
        K3 = update.K3 ?? settings.K3,
        IndexPrefixes = update.IndexPrefixes ?? settings.IndexPrefixes,
    };

    private static void CheckVariant(string name, string key, string? value, string[] variants)
    {
        if (value is not null && !variants.Contains(value))
        {
            string expected = string.Join(", ", variants.Select(v => $"`{v}`"));
            throw PuffException.Malformed($"{key} of attribute \"{name}\": unknown variant `{value}`, expected one of {expected}");
        }
    }

    private static void CheckPreTokenized(string name, AttributeType type, FullTextSettings? existing, FullTextUpdate update, FullTextSettings merged)
    {
        if (type.Kind != TypeKind.StringArray)
        {
            throw PuffException.Invalid($"attribute \"{name}\" is a {type}: the tokenizer {PreTokenized} is for []string attributes");
        }

        // A client that sends the reported settings back mentions the language although it has no effect.
        bool repeatsReported = existing?.Tokenizer == PreTokenized && update.Language == existing.Language;
        string? refused = update.Language is not null && !repeatsReported ? "language"
            : merged.Stemming ? "stemming"
            : merged.RemoveStopwords ? "remove_stopwords"
            : update.CaseSensitive == false ? "case_sensitive: false"
            : null;
        if (refused is not null)
        {
            throw PuffException.Invalid($"attribute \"{name}\": {refused} has no meaning with the tokenizer {PreTokenized}; remove it");
        }
    }

    private static void CheckNumbers(string name, FullTextSettings settings)
    {
        if (settings.MaxTokenLength is < 1 or > MaxTokenLengthLimit)
        {
            throw PuffException.Invalid($"attribute \"{name}\": max_token_length must lie between 1 and {MaxTokenLengthLimit}");
        }

        if (!(settings.K1 > 0 && double.IsFinite(settings.K1)))
        {
            throw PuffException.Invalid($"attribute \"{name}\": k1 must be greater than 0");
        }

        if (!(settings.K3 > 0 && double.IsFinite(settings.K3)))
        {
            throw PuffException.Invalid($"attribute \"{name}\": k3 must be greater than 0");
        }

        if (!(settings.B is >= 0 and <= 1))
        {
            throw PuffException.Invalid($"attribute \"{name}\": b must lie between 0 and 1");
        }
    }

    private static void CheckNormalisation(string name, FullTextSettings settings)
    {
        if (settings.Stemming && settings.CaseSensitive)
        {
            throw PuffException.Invalid($"attribute \"{name}\": stemming needs lower-cased tokens; set case_sensitive or stemming to false");
        }

        if (settings.RemoveStopwords && LanguagesWithoutStopwords.Contains(settings.Language))
        {
            throw PuffException.Invalid($"attribute \"{name}\": there is no stop word list for {settings.Language}; set remove_stopwords to false");
        }
    }
}
