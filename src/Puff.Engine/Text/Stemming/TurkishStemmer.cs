namespace Puff.Engine.Text;

/// <summary>
/// Turkish (Evren Kapusuz Çilden's algorithm after Eryiğit and Adalı): automata that read suffixes from the end of a word with two or more syllables.
/// The reading itself is in <see cref="TurkishReader"/>.
/// </summary>
internal sealed class TurkishStemmer : Stemmer
{
    public override void Stem(StemWord word)
    {
        int vowels = 0;
        foreach (char letter in word.Text)
        {
            vowels += TurkishReader.Vowels.Contains(letter) ? 1 : 0;
        }

        if (vowels >= 2 && new TurkishReader(word).CutVerbSuffixes())
        {
            new TurkishReader(word).CutNounSuffixes();
            Finish(word);
        }
    }

    /// <summary>Stems do not end with d or g (but "ad" and "soyad" do): a vowel was cut too many. Voiced final consonants lose their voice.</summary>
    private static void Finish(StemWord word)
    {
        if (word.Length == 0 || word.Text is "ad" or "soyad")
        {
            return;
        }

        int vowel = word.Text.LastIndexOfAny(TurkishReader.Vowels);
        if (word[word.Length - 1] is 'd' or 'g' && vowel >= 0)
        {
            word.Append(word[vowel] switch { 'a' or 'ı' => "ı", 'e' or 'i' => "i", 'o' or 'u' => "u", _ => "ü" });
        }

        int last = word.Length - 1;
        word[last] = word[last] switch { 'b' => 'p', 'c' => 'ç', 'd' => 't', 'ğ' => 'k', var other => other };
    }
}
