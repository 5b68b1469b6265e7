namespace Puff.Engine.Text;

/// <summary>
/// Reduces a lower-cased word to its stem by the Snowball algorithm of a language (https://snowballstem.org/algorithms, as of version 2.2).
/// Immutable, for any number of threads; the word is the caller's.
/// </summary>
internal abstract class Stemmer
{
    /// <param name="word">Holds the stem afterwards.</param>
    public abstract void Stem(StemWord word);

    /// <summary>The stemmer of a language by the name the settings give it.</summary>
    public static Stemmer For(string language) => language switch
    {
        "arabic" => new ArabicStemmer(),
        "danish" => new DanishStemmer(),
        "dutch" => new DutchStemmer(),
        "english" => new EnglishStemmer(),
        "finnish" => new FinnishStemmer(),
        "french" => new FrenchStemmer(),
        "german" => new GermanStemmer(),
        "greek" => new GreekStemmer(),
        "hungarian" => new HungarianStemmer(),
        "italian" => new ItalianStemmer(),
        "norwegian" => new NorwegianStemmer(),
        "portuguese" => new PortugueseStemmer(),
        "romanian" => new RomanianStemmer(),
        "russian" => new RussianStemmer(),
        "spanish" => new SpanishStemmer(),
        "swedish" => new SwedishStemmer(),
        "tamil" => new TamilStemmer(),
        "turkish" => new TurkishStemmer(),
        _ => throw PuffException.Invalid($"there is no stemmer for {language}; set stemming to false"),
    };
}
