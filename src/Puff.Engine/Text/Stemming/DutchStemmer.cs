namespace Puff.Engine.Text;

/// <summary>Dutch (Porter's algorithm). I and Y stand for consonants while the word is worked on.</summary>
internal sealed class DutchStemmer : Stemmer
{
    private const string Vowels = "aeiouyè";
    private const string VowelsAndI = Vowels + "I";
    private const string VowelsAndJ = Vowels + "j";

    private static readonly Endings Plurals = new("heden", "en ene", "s se");
    private static readonly Endings Doubles = new("kk dd tt");
    private static readonly Endings Derivations = new("end ing", "ig", "lijk", "baar", "bar");
    private static readonly Endings LongVowels = new("aa ee oo uu");

    public override void Stem(StemWord word)
    {
        MarkConsonants(word);
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        r1 = Math.Max(3, r1);
        Plural(word, r1);
        bool hasLostE = CutE(word, r1);
        if (word.EndsWith("heid") && word.EndingStart >= r2 && !word.IsOneBefore("c", word.EndingStart))
        {
            word.Cut();
            if (word.EndsWith("en"))
            {
                CutEn(word, r1);
            }
        }

        Derivation(word, r1, r2, hasLostE);
        ShortenVowel(word);
        word.ReplaceAll('Y', 'y');
        word.ReplaceAll('I', 'i');
    }

    private static void MarkConsonants(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            word[i] = word[i] switch
            {
                'ä' or 'á' => 'a',
                'ë' or 'é' => 'e',
                'ï' or 'í' => 'i',
                'ö' or 'ó' => 'o',
                'ü' or 'ú' => 'u',
                var other => other,
            };
        }

        if (word.IsOneAt("y", 0))
        {
            word[0] = 'Y';
        }

        for (int i = 0; i + 1 < word.Length; i++)
        {
            if (!Vowels.Contains(word[i]))
            {
                continue;
            }

            if (word[i + 1] == 'i' && word.IsOneAt(Vowels, i + 2))
            {
                word[i + 1] = 'I';
            }
            else if (word[i + 1] == 'y')
            {
                word[i + 1] = 'Y';
            }
        }
    }

    private static void Plural(StemWord word, int r1)
    {
        int plural = word.Find(Plurals);
        if (word.EndingStart < r1)
        {
            return;
        }

        switch (plural)
        {
            case 1:
                word.Put("heid");
                break;
            case 2:
                CutEn(word, r1);
                break;
            case 3 when word.IsNoneBefore(VowelsAndJ, word.EndingStart):
                word.Cut();
                break;
        }
    }

    /// <summary>Cuts the ending found (en, ene) behind a consonant, but not of "gemen".</summary>
    private static void CutEn(StemWord word, int r1)
    {
        int start = word.EndingStart;
        if (start >= r1 && word.IsNoneBefore(Vowels, start) && !word.IsBefore("gem", start))
        {
            word.Cut();
            CutDouble(word);
        }
    }

    private static bool CutE(StemWord word, int r1)
    {
        if (!word.EndsWith("e") || word.EndingStart < r1 || !word.IsNoneBefore(Vowels, word.EndingStart))
        {
            return false;
        }

        word.Cut();
        CutDouble(word);
        return true;
    }

    private static void CutDouble(StemWord word)
    {
        if (word.Find(Doubles) != 0)
        {
            word.Cut(1);
        }
    }

    private static void Derivation(StemWord word, int r1, int r2, bool hasLostE)
    {
        int derivation = word.Find(Derivations);
        if (derivation == 0 || word.EndingStart < r2)
        {
            return;
        }

        switch (derivation)
        {
            case 1:
                word.Cut();
                if (word.EndsWith("ig") && word.EndingStart >= r2 && !word.IsOneBefore("e", word.EndingStart))
                {
                    word.Cut();
                }
                else
                {
                    CutDouble(word);
                }

                break;
            case 2 when word.IsOneBefore("e", word.EndingStart):
            case 5 when !hasLostE:
                break;
            default:
                word.Cut();
                if (derivation == 3)
                {
                    CutE(word, r1);
                }

                break;
        }
    }

    /// <summary>A doubled vowel between consonants at the end becomes a single one.</summary>
    private static void ShortenVowel(StemWord word)
    {
        int last = word.Length - 1;
        if (word.IsNoneBefore(VowelsAndI, last + 1) && word.FindBefore(LongVowels, last) != 0 && word.IsNoneBefore(Vowels, last - 2))
        {
            word.Replace(last - 1, last, "");
        }
    }
}
