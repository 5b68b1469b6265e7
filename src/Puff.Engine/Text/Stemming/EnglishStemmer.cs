namespace Puff.Engine.Text;

/// <summary>English (Porter 2). Y stands for a y that is a consonant while the word is worked on.</summary>
internal sealed class EnglishStemmer : Stemmer
{
    private const string Vowels = "aeiouy";
    private const string VowelsAndWxY = "aeiouywxY";
    private const string BeforeLi = "cdeghkmnrt";

    private static readonly Dictionary<string, string> Exceptions = new(StringComparer.Ordinal)
    {
        ["skis"] = "ski", ["skies"] = "sky", ["dying"] = "die", ["lying"] = "lie", ["tying"] = "tie",
        ["idly"] = "idl", ["gently"] = "gentl", ["ugly"] = "ugli", ["early"] = "earli", ["only"] = "onli", ["singly"] = "singl",
        ["sky"] = "sky", ["news"] = "news", ["howe"] = "howe",
        ["atlas"] = "atlas", ["cosmos"] = "cosmos", ["bias"] = "bias", ["andes"] = "andes",
    };

    private static readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> ExceptionOf = Exceptions.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> KeptAfterPlural = new HashSet<string>(StringComparer.Ordinal)
    {
        "inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed",
    }.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly string[] Beginnings = ["gener", "commun", "arsen"];
    private static readonly Endings Apostrophes = new("' 's 's'");
    private static readonly Endings Plurals = new("sses", "ied ies", "s", "us ss");
    private static readonly Endings Verbs = new("eed eedly", "ed edly ing ingly");
    private static readonly Endings AfterVerbs = new("at bl iz", "bb dd ff gg mm nn pp rr tt");

    private static readonly Endings SecondEndings = new(
        "tional", "enci", "anci", "abli", "entli", "izer ization", "ational ation ator", "alism aliti alli", "fulness", "ousli ousness", "iveness iviti",
        "biliti bli", "ogi", "fulli", "lessli", "li");

    private static readonly string[] SecondReplacements =
        ["tion", "ence", "ance", "able", "ent", "ize", "ate", "al", "ful", "ous", "ive", "ble", "og", "ful", "less", ""];

    private static readonly Endings ThirdEndings = new("tional", "ational", "alize", "icate iciti ical", "ful ness", "ative");
    private static readonly string[] ThirdReplacements = ["tion", "ate", "al", "ic", "", ""];
    private static readonly Endings FourthEndings = new("al ance ence er ic able ible ant ement ment ent ism ate iti ous ive ize", "ion");

    public override void Stem(StemWord word)
    {
        if (ExceptionOf.TryGetValue(word.Text, out string? stem))
        {
            word.Replace(0, word.Length, stem);
            return;
        }

        if (word.Length < 3)
        {
            return;
        }

        MarkConsonants(word);
        int r1 = FirstRegion(word);
        int r2 = word.Region(Vowels, r1);
        Plural(word);
        if (!KeptAfterPlural.Contains(word.Text))
        {
            Verb(word, r1);
            FinalY(word);
            Second(word, r1);
            Third(word, r1, r2);
            Fourth(word, r2);
            Final(word, r1, r2);
        }

        word.ReplaceAll('Y', 'y');
    }

    private static void MarkConsonants(StemWord word)
    {
        if (word[0] == '\'')
        {
            word.Replace(0, 1, "");
        }

        if (word.IsOneAt("y", 0))
        {
            word[0] = 'Y';
        }

        for (int i = 0; i + 1 < word.Length; i++)
        {
            if (word[i + 1] == 'y' && Vowels.Contains(word[i]))
            {
                word[++i] = 'Y';
            }
        }
    }

    private static int FirstRegion(StemWord word)
    {
        foreach (string beginning in Beginnings)
        {
            if (word.Text.StartsWith(beginning))
            {
                return beginning.Length;
            }
        }

        return word.Region(Vowels, 0);
    }

    private static void Plural(StemWord word)
    {
        if (word.Find(Apostrophes) != 0)
        {
            word.Cut();
        }

        switch (word.Find(Plurals))
        {
            case 1:
                word.Put("ss");
                break;
            case 2:
                word.Put(word.EndingStart >= 2 ? "i" : "ie");
                break;
            case 3 when HasVowel(word, word.EndingStart - 1):
                word.Cut();
                break;
        }
    }

    private static void Verb(StemWord word, int r1)
    {
        int found = word.Find(Verbs);
        if (found == 1 && word.EndingStart >= r1)
        {
            word.Put("ee");
        }
        else if (found == 2 && HasVowel(word, word.EndingStart))
        {
            word.Cut();
            switch (word.Find(AfterVerbs))
            {
                case 1:
                    word.Append("e");
                    break;
                case 2:
                    word.Cut(1);
                    break;
                default:
                    if (word.Length == r1 && EndsShort(word, word.Length))
                    {
                        word.Append("e");
                    }

                    break;
            }
        }
    }

    private static void FinalY(StemWord word)
    {
        int last = word.Length - 1;
        if (last > 1 && word[last] is 'y' or 'Y' && word.IsNoneBefore(Vowels, last))
        {
            word[last] = 'i';
        }
    }

    private static void Second(StemWord word, int r1)
    {
        int found = word.Find(SecondEndings);
        int start = word.EndingStart;
        if (found == 0 || start < r1 || (found == 13 && !word.IsOneBefore("l", start)) || (found == 16 && !word.IsOneBefore(BeforeLi, start)))
        {
            return;
        }

        word.Put(SecondReplacements[found - 1]);
    }

    private static void Third(StemWord word, int r1, int r2)
    {
        int found = word.Find(ThirdEndings);
        if (found != 0 && word.EndingStart >= (found == 6 ? Math.Max(r1, r2) : r1))
        {
            word.Put(ThirdReplacements[found - 1]);
        }
    }

    private static void Fourth(StemWord word, int r2)
    {
        int found = word.Find(FourthEndings);
        if (found != 0 && word.EndingStart >= r2 && (found == 1 || word.IsOneBefore("st", word.EndingStart)))
        {
            word.Cut();
        }
    }

    private static void Final(StemWord word, int r1, int r2)
    {
        int last = word.Length - 1;
        if (last < 0)
        {
            return;
        }

        bool isCut = word[last] switch
        {
            'e' => last >= r2 || (last >= r1 && !EndsShort(word, last)),
            'l' => last >= r2 && word.IsOneBefore("l", last),
            _ => false,
        };
        if (isCut)
        {
            word.Cut(1);
        }
    }

    private static bool HasVowel(StemWord word, int end) => end > 0 && word.Text[..end].ContainsAny(Vowels);

    /// <summary>A short syllable: consonant, vowel, consonant other than w, x, Y; or a vowel and a consonant that are the whole word.</summary>
    private static bool EndsShort(StemWord word, int end) =>
        (word.IsNoneBefore(VowelsAndWxY, end) && word.IsOneBefore(Vowels, end - 1) && word.IsNoneBefore(Vowels, end - 2))
        || (end == 2 && word.IsNoneBefore(Vowels, 2) && word.IsOneBefore(Vowels, 1));
}
