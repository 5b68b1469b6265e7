namespace Puff.Engine.Text;

/// <summary>Tamil (Damodharan Rajalingam): prefixes, then suffixes of each kind, and after most of them what the ending needs to stand alone.</summary>
/// <remarks>Endings are tried in the order they are listed in, not the longest first, as the algorithm does.</remarks>
internal sealed class TamilStemmer : Stemmer
{
    private const char Pulli = '்';
    private const string HardConsonants = "கசடதபற";
    private const string OtherConsonants = "யரலவழளஙஞணநமன";
    private const string VowelSigns = "ாிீெேுூை";
    private const string Vowels = "அஆஇஈஉஊஎஏஐஒஓஔ";
    private const string AfterPrefix = "கசதவநபமயஙஞ";

    private static readonly (string Va, string Vowel)[] VaStarts = [("வோ", "ஓ"), ("வொ", "ஒ"), ("வு", "உ"), ("வூ", "ஊ")];

    private static readonly Ending[] CommonWords =
    [
        .. List("ுடன் ில்லை ிடம் ின்றி ாகி ாகிய ென்று ுள்ள ுடைய ுடை ெனும்"), new("ல்ல", NotBehind: VowelSigns), .. List("ென ாகி"),
    ];

    private static readonly Ending[] CommonVerbs =
        List("பட்டது பட்டண பட்டு பட்ட படிதான படு படி குரிய பற்றி விட்டு விடு தான ெல்லாம்");

    private static readonly Ending[] CasesToPulli =
    [
        .. List("ொடு ோடு ில் ிற்"), new("ின்", NotBehind: "ம"), .. List("ின்று ிருந்து விட"), new("ிடம்", MinLength: 7),
        .. List("ால் ுடை ாமல்"), new("ல்", NotBehind: VowelSigns), new("ுள்"),
    ];

    private static readonly Ending[] CasesCut = [.. List("கண் முன் மேல் மேற் கீழ் பின்"), new("து", NotBehind: VowelSigns)];

    private static readonly Ending[] TensesCut =
    [
        .. List("மார் மின் னன் னான் னாள் னார்"), new("வன்", NotBehind: Vowels), .. List("னள் வள் னர் வர் ன ப க த ய பன் பள் பர்"),
        new("து", NotBehind: VowelSigns), .. List("ிற்று பம் னம் தும் றும் கும் னென் னை வை"),
    ];

    private static readonly Ending[] TensesToPulli =
        [new("ான்", NotBehind: "ச"), .. List("ாள் ார் ேன் ா ாம் ெம் ேம் ோம் கும் தும் டும் றும் ாய் னென் னிர் ீர் ீயர்")];

    private static readonly Endings Presents = new("ாநின்ற ாநின்ற் கின்ற கின்ற் கிற கிற்");

    public override void Stem(StemWord word)
    {
        bool isCaseRemoved = false;
        FixEnding(word, isCaseRemoved);
        if (word.Length <= 4)
        {
            return;
        }

        CutPrefix(word, "எ");
        CutPrefix(word, "அஇஉ");
        Question(word);
        if (word.Length > 4 && Put(word, "ும்", "்"))
        {
            FixEnding(word, isCaseRemoved);
        }

        if (word.Length > 4 && (PutFirst(word, CommonWords, "்") || PutFirst(word, CommonVerbs, "")))
        {
            FixEndings(word, isCaseRemoved);
        }

        isCaseRemoved = Case(word);
        Plural(word);
        if (word.Length > 4 && (word.EndsWith("பி") || word.EndsWith("வி")))
        {
            word.Cut();
        }

        while (Tense(word, isCaseRemoved))
        {
        }
    }

    private static void CutPrefix(StemWord word, string letters)
    {
        if (!word.IsOneAt(letters, 0) || !word.IsOneAt(AfterPrefix, 1) || !word.IsOneAt("்", 2))
        {
            return;
        }

        word.Replace(0, 3, "");
        foreach (var (va, vowel) in VaStarts)
        {
            if (word.Text.StartsWith(va))
            {
                word.Replace(0, va.Length, vowel);
                return;
            }
        }
    }

    private static void Question(StemWord word)
    {
        if (word.Length <= 4)
        {
            return;
        }

        if (word.EndsWith("ோ") || word.EndsWith("ே") || word.EndsWith("ா"))
        {
            word.Put("்");
        }

        FixEndings(word, isCaseRemoved: false);
    }

    private static bool Case(StemWord word)
    {
        if (word.Length <= 4)
        {
            return false;
        }

        bool isRemoved = Put(word, "னை", "") || CutAi(word) || PutFirst(word, CasesToPulli, "்") || PutFirst(word, CasesCut, "") || Put(word, "ீ", "ி");
        if (isRemoved)
        {
            Put(word, "ின்", "்");
            FixEndings(word, isCaseRemoved: true);
        }

        return isRemoved;
    }

    /// <summary>The accusative -ai, unless a single hard consonant stands before it.</summary>
    private static bool CutAi(StemWord word)
    {
        int last = word.Length - 1;
        bool isThere = word.EndsWith("ை") && (!word.IsOneBefore(HardConsonants, last) || word.IsOneBefore("்", last - 1));
        if (isThere)
        {
            word.Put("்");
        }

        return isThere;
    }

    private static void Plural(StemWord word)
    {
        if (word.EndsWith("ுங்கள்") && !word.IsOneBefore(HardConsonants, word.EndingStart))
        {
            word.Put("்");
        }
        else if (!Put(word, "ற்கள்", "ல்") && !Put(word, "ட்கள்", "ள்"))
        {
            Put(word, "கள்", "");
        }
    }

    /// <returns>True if something was cut: then there may be more.</returns>
    private static bool Tense(StemWord word, bool isCaseRemoved)
    {
        if (word.Length <= 4)
        {
            return false;
        }

        bool isCut = Put(word, "கொண்டிர்", "") || Put(word, "படு", "") || PutFirst(word, TensesCut, "") || PutFirst(word, TensesToPulli, "்")
            || CutBehindPulli(word);
        if (word.Find(Presents) != 0)
        {
            word.Cut();
            isCut = true;
        }

        FixEndings(word, isCaseRemoved);
        return isCut;
    }

    private static bool CutBehindPulli(StemWord word)
    {
        bool isThere = (word.EndsWith("கு") || word.EndsWith("து")) && word.IsOneBefore("்", word.EndingStart);
        if (isThere)
        {
            word.Cut();
        }

        return isThere;
    }

    private static void FixEndings(StemWord word, bool isCaseRemoved)
    {
        while (FixEnding(word, isCaseRemoved))
        {
        }
    }

    private static bool FixEnding(StemWord word, bool isCaseRemoved)
    {
        if (word.Length <= 3)
        {
            return false;
        }

        return Put(word, "ந்த்", "") || Put(word, "ந்த", "") || Put(word, "ந்", "")
            || (word.IsBefore("ய்", word.Length) && word.IsOneBefore("ைிீ", word.Length - 2) && Put(word, "ய்", ""))
            || Put(word, "ட்ப்", "ள்") || Put(word, "ட்க்", "ள்") || Put(word, "ன்ற்", "ல்") || Put(word, "ற்க்", "ல்") || Put(word, "ட்ட்", "டு")
            || (isCaseRemoved && word.IsBefore("த்த்", word.Length) && !word.IsOneBefore("ை", word.Length - 4) && Put(word, "த்த்", "ம்"))
            || Put(word, "ுக்", "்") || Put(word, "ுக்க்", "்")
            || FixConsonants(word)
            || Put(word, "வ்", "") || Put(word, "வ", "") || Put(word, "ய", "")
            || (word.IsBefore("னு", word.Length) && !word.IsOneBefore(VowelSigns, word.Length - 2) && Put(word, "னு", ""))
            || (word.IsBefore("ங்", word.Length) && !word.IsOneBefore("ை", word.Length - 2) && Put(word, "ங்", "ம்"))
            || Put(word, "ங்", "")
            || (word.IsOneBefore("்", word.Length) && word.IsOneBefore(VowelSigns + "்", word.Length - 1) && Put(word, "்", ""));
    }

    /// <summary>Hard consonants with pulli go, two if there are two; another consonant between two pullis goes with one of them.</summary>
    private static bool FixConsonants(StemWord word)
    {
        int last = word.Length - 1;
        if (word[last] != Pulli)
        {
            return false;
        }

        if (HardConsonants.Contains(word[last - 1]))
        {
            bool areTwo = word[last - 2] == Pulli && HardConsonants.Contains(word[last - 3]);
            word.Cut(areTwo ? 4 : 2);
            return true;
        }

        bool isBetween = word[last - 2] == Pulli && OtherConsonants.Contains(word[last - 1]);
        if (isBetween)
        {
            word.Cut(2);
        }

        return isBetween;
    }

    private static bool Put(StemWord word, string ending, string replacement)
    {
        bool isThere = word.EndsWith(ending);
        if (isThere)
        {
            word.Put(replacement);
        }

        return isThere;
    }

    private static bool PutFirst(StemWord word, Ending[] endings, string replacement)
    {
        foreach (var ending in endings)
        {
            if (word.Length >= ending.MinLength && word.EndsWith(ending.Text) && !word.IsOneBefore(ending.NotBehind, word.EndingStart))
            {
                word.Put(replacement);
                return true;
            }
        }

        return false;
    }

    private static Ending[] List(string endings) => [.. endings.Split(' ').Select(ending => new Ending(ending))];

    private sealed record Ending(string Text, string NotBehind = "", int MinLength = 0);
}
