namespace Puff.Engine.Text;

/// <summary>German. U and Y stand for consonants between vowels while the word is worked on; umlauts lose their dots at the end.</summary>
internal sealed class GermanStemmer : Stemmer
{
    private const string Vowels = "aeiouyäöü";
    private const string BeforeS = "bdfghklmnrt";
    private const string BeforeSt = "bdfghklmnt";

    private static readonly Endings Cases = new("em ern er", "e en es", "s");
    private static readonly Endings Degrees = new("en er est", "st");
    private static readonly Endings Derivations = new("end ung", "ig ik isch", "lich heit", "keit");
    private static readonly Endings BeforeKeit = new("lich ig");

    public override void Stem(StemWord word)
    {
        MarkConsonants(word);
        int r1 = word.Length;
        int r2 = word.Length;
        if (word.Length >= 3)
        {
            r1 = word.Region(Vowels, 0);
            r2 = word.Region(Vowels, r1);
            r1 = Math.Max(3, r1);
        }

        Case(word, r1);
        int degree = word.Find(Degrees);
        int start = word.EndingStart;
        if (start >= r1 && (degree == 1 || (degree == 2 && start > 3 && word.IsOneBefore(BeforeSt, start))))
        {
            word.Cut();
        }

        Derivation(word, r1, r2);
        Unmark(word);
    }

    private static void MarkConsonants(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            if (word[i] == 'ß')
            {
                word.Replace(i, i + 1, "ss");
            }
        }

        for (int i = 0; i + 2 < word.Length; i++)
        {
            if (Vowels.Contains(word[i]) && word[i + 1] is 'u' or 'y' && Vowels.Contains(word[i + 2]))
            {
                word[i + 1] = word[i + 1] == 'u' ? 'U' : 'Y';
            }
        }
    }

    private static void Case(StemWord word, int r1)
    {
        int found = word.Find(Cases);
        if (found == 0 || word.EndingStart < r1 || (found == 3 && !word.IsOneBefore(BeforeS, word.EndingStart)))
        {
            return;
        }

        word.Cut();
        if (found == 2 && word.EndsWith("niss"))
        {
            word.Cut(1);
        }
    }

    private static void Derivation(StemWord word, int r1, int r2)
    {
        int found = word.Find(Derivations);
        if (found == 0 || word.EndingStart < r2 || (found == 2 && word.IsOneBefore("e", word.EndingStart)))
        {
            return;
        }

        word.Cut();
        bool isFurther = found switch
        {
            1 => word.EndsWith("ig") && !word.IsOneBefore("e", word.EndingStart) && word.EndingStart >= r2,
            3 => (word.EndsWith("er") || word.EndsWith("en")) && word.EndingStart >= r1,
            4 => word.Find(BeforeKeit) != 0 && word.EndingStart >= r2,
            _ => false,
        };
        if (isFurther)
        {
            word.Cut();
        }
    }

    private static void Unmark(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            word[i] = word[i] switch
            {
                'Y' => 'y',
                'U' or 'ü' => 'u',
                'ä' => 'a',
                'ö' => 'o',
                var other => other,
            };
        }
    }
}
