namespace Puff.Engine.Text;

/// <summary>Finnish: particles, possessives, cases, other endings, plurals.</summary>
internal sealed class FinnishStemmer : Stemmer
{
    private const string Vowels = "aeiouyäö";
    private const string VowelsWithoutY = "aeiouäö";
    private const string Consonants = "bcdfghjklmnpqrstvwxz";
    private const string BeforeParticle = Vowels + "nt";
    private const string FinalVowels = "aäei";

    private static readonly Endings Particles = new("kin kaan kään ko kö han hän pa pä", "sti");
    private static readonly Endings Possessives = new("si", "ni", "nsa nsä mme nne", "an", "än", "en");
    private static readonly Endings BeforeAn = new("ta ssa sta lla lta na");
    private static readonly Endings BeforeAen = new("tä ssä stä llä ltä nä");
    private static readonly Endings BeforeEn = new("lle ine");
    private static readonly Endings LongVowels = new("aa ee ii oo uu ää öö");

    private static readonly Endings Cases = new(
        "han hen hin hon hän hön",
        "siin den tten",
        "seen",
        "n",
        "a ä",
        "tta ttä",
        "ta tä ssa ssä sta stä lla llä lta ltä lle na nä ksi ine");

    private static readonly Endings Others = new("mpi mpa mpä mmi mma mmä", "impi impa impä immi imma immä eja ejä");
    private static readonly Endings BeforePluralT = new("mma", "imma");

    public override void Stem(StemWord word)
    {
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        int particle = word.Find(Particles, r1);
        if ((particle == 1 && word.IsOneBefore(BeforeParticle, word.EndingStart)) || (particle == 2 && word.EndingStart >= r2))
        {
            word.Cut();
        }

        Possessive(word, r1);
        bool isCaseRemoved = Case(word, r1);
        int other = word.Find(Others, r2);
        if (other == 2 || (other == 1 && !word.IsBefore("po", word.EndingStart)))
        {
            word.Cut();
        }

        if (!isCaseRemoved)
        {
            PluralT(word, r1, r2);
        }
        else if (word.EndsWith("i", r1) || word.EndsWith("j", r1))
        {
            word.Cut();
        }

        Tidy(word, r1);
    }

    private static void Possessive(StemWord word, int r1)
    {
        int found = word.Find(Possessives, r1);
        int start = word.EndingStart;
        bool isCut = found switch
        {
            1 => !word.IsOneBefore("k", start),
            2 or 3 => true,
            4 => word.FindBefore(BeforeAn, start) != 0,
            5 => word.FindBefore(BeforeAen, start) != 0,
            6 => word.FindBefore(BeforeEn, start) != 0,
            _ => false,
        };
        if (isCut)
        {
            word.Cut();
        }

        if (found == 2 && word.EndsWith("kse"))
        {
            word.Put("ksi");
        }
    }

    private static bool Case(StemWord word, int r1)
    {
        int found = word.Find(Cases, r1);
        int start = word.EndingStart;
        bool isPluralI = word.IsOneBefore(VowelsWithoutY, start - 1, r1) && word.IsOneBefore("i", start, r1);
        if ((found == 2 && !isPluralI) || (found == 3 && word.FindBefore(LongVowels, start, r1) == 0))
        {
            // What these endings ask for is missing: they count as the shorter one they end with.
            found = 4;
            word.EndsWith("n");
            start = word.EndingStart;
        }

        bool isCut = found switch
        {
            1 => start > 0 && word[start - 1] == word[start + 1],
            5 => word.IsOneBefore(Vowels, start) && word.IsOneBefore(Consonants, start - 1),
            6 => word.IsOneBefore("e", start),
            _ => found != 0,
        };
        if (isCut)
        {
            bool isIllative = found == 4 && (word.FindBefore(LongVowels, start) != 0 || word.IsBefore("ie", start));
            word.Cut();
            word.Cut(isIllative ? 1 : 0);
        }

        return isCut;
    }

    private static void PluralT(StemWord word, int r1, int r2)
    {
        if (!word.EndsWith("t", r1) || !word.IsOneBefore(Vowels, word.EndingStart, r1))
        {
            return;
        }

        word.Cut();
        int found = word.Find(BeforePluralT, r2);
        if (found == 2 || (found == 1 && !word.IsBefore("po", word.EndingStart)))
        {
            word.Cut();
        }
    }

    private static void Tidy(StemWord word, int r1)
    {
        if (word.Find(LongVowels, r1) != 0)
        {
            word.Cut(1);
        }

        if (word.IsOneBefore(FinalVowels, word.Length, r1) && word.IsOneBefore(Consonants, word.Length - 1, r1))
        {
            word.Cut(1);
        }

        if (word.EndsWith("j", r1) && word.IsOneBefore("ou", word.Length - 1, r1))
        {
            word.Cut();
        }

        if (word.EndsWith("o", r1) && word.IsOneBefore("j", word.Length - 1, r1))
        {
            word.Cut();
        }

        // A doubled consonant before the last vowels becomes a single one.
        int last = word.Length - 1;
        while (last >= 0 && Vowels.Contains(word[last]))
        {
            last--;
        }

        if (last > 0 && Consonants.Contains(word[last]) && word[last - 1] == word[last])
        {
            word.Replace(last, last + 1, "");
        }
    }
}
