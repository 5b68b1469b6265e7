namespace Puff.Engine.Text;

/// <summary>Hungarian: noun inflections within R1.</summary>
internal sealed class HungarianStemmer : Stemmer
{
    private const string Vowels = "aeiouáéíóöőúüű";

    private static readonly string[] Digraphs = ["dzs", "cs", "gy", "ly", "ny", "sz", "ty", "zs"];
    private static readonly Endings Doubles = new("bb cc ccs dd ff gg ggy jj kk ll lly mm nn nny pp rr ss ssz tt tty vv zz zzs");
    private static readonly Endings Instrumentals = new("al el");

    private static readonly Endings Cases = new(
        "ban ben ba be ra re nak nek val vel tól től ról ről ból ből hoz hez höz nál nél ig at et ot öt ért képp képpen kor ul ül vá vé onként enként anként " +
        "ként en on an ön n t");

    private static readonly Endings FinalVowels = new("", "á", "é");
    private static readonly Endings SpecialCases = new("", "án ánként", "én");
    private static readonly Endings OtherCases = new("astul estül stul stül", "ástul", "éstül");
    private static readonly Endings Factives = new("á é");
    private static readonly Endings Owned = new("oké öké aké eké ké éi é", "áké áéi", "éké ééi éé");

    private static readonly Endings SingularOwners = new(
        "ünk unk nk juk jük uk ük em om am m od ed ad öd d ja je a e o",
        "ánk ájuk ám ád á",
        "énk éjük ém éd é");

    private static readonly Endings PluralOwners = new(
        "jaim jeim aim eim im jaid jeid aid eid id jai jei ai ei i jaink jeink eink aink ink jaitok jeitek aitok eitek itek jeik jaik aik eik ik",
        "áim áid ái áink áitok áik",
        "éim éid éi éink éitek éik");

    private static readonly Endings Plurals = new("ök ak ok ek k", "ák", "ék");

    public override void Stem(StemWord word)
    {
        int r1 = Region(word);
        CutAfterDouble(word, Instrumentals, r1);
        if (word.Find(Cases) != 0 && word.EndingStart >= r1)
        {
            word.Cut();
            Inflection(word, FinalVowels, r1);
        }

        Inflection(word, SpecialCases, r1);
        Inflection(word, OtherCases, r1);
        CutAfterDouble(word, Factives, r1);
        Inflection(word, Owned, r1);
        Inflection(word, SingularOwners, r1);
        Inflection(word, PluralOwners, r1);
        Inflection(word, Plurals, r1);
    }

    /// <summary>R1: after the first consonant (which may be a digraph) of a word that begins with a vowel, else after the first vowel.</summary>
    private static int Region(StemWord word)
    {
        if (word.Length == 0 || !Vowels.Contains(word[0]))
        {
            return word.PastOne(Vowels, 0);
        }

        int after = word.PastOther(Vowels, 0);
        if (Vowels.Contains(word[after - 1]))
        {
            return word.Length;
        }

        foreach (string digraph in Digraphs)
        {
            if (word.Text[(after - 1)..].StartsWith(digraph))
            {
                return after - 1 + digraph.Length;
            }
        }

        return after;
    }

    /// <summary>Endings of the first group go; those of the second leave a, those of the third e.</summary>
    private static void Inflection(StemWord word, Endings endings, int r1)
    {
        int found = word.Find(endings);
        if (found != 0 && word.EndingStart >= r1)
        {
            word.Put(found switch { 2 => "a", 3 => "e", _ => "" });
        }
    }

    /// <summary>Cuts an ending behind a doubled consonant and makes that a single one.</summary>
    private static void CutAfterDouble(StemWord word, Endings endings, int r1)
    {
        if (word.Find(endings) != 0 && word.EndingStart >= r1 && word.FindBefore(Doubles, word.EndingStart) != 0)
        {
            word.Cut();
            word.Replace(word.Length - 2, word.Length - 1, "");
        }
    }
}
