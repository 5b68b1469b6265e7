namespace Puff.Engine.Text;

/// <summary>Arabic (Assem Chelli, Abdelkrim Aries): normalised letters, then suffixes of verbs or nouns, then prefixes.</summary>
internal sealed class ArabicStemmer : Stemmer
{
    private const char FirstForm = '\uFE80';
    private const char FirstLigature = '\uFEF5';
    private const char LastLigature = '\uFEFC';

    // What the presentation forms from U+FE80 to U+FEF4 stand for; after them come pairs of ligatures of lam with these alefs.
    private const string Forms =
        "ءآآأأؤؤإإئئئئااببببةةتتتتثثثثججججححححخخخخددذذررززسسسسششششصصص" +
        "صضضضضططططظظظظععععغغغغففففققققككككللللممممننننههههووىىيييي";

    private const string LigatureAlefs = "آأإا";

    private static readonly Endings VerbObjects = new("ه ك", "ني نا ها هم هن كم كن", "هما كما كمو");
    private static readonly Endings VerbSubjects = new("ت ا ن ي", "نا تا تن", "ان ون ين", "تما");
    private static readonly Endings VerbPlurals = new("", "وا تم");
    private static readonly Endings VerbPluralsBeforeObjects = new("و", "", "", "تمو");
    private static readonly Endings NounOwners = new("ي ك ه", "نا كم ها هن هم", "كما هما");

    public override void Stem(StemWord word)
    {
        bool isDefinite = IsDefinite(word);
        Normalize(word);
        if (!(!isDefinite && CutVerbSuffix(word)) && !CutNounSuffix(word, isDefinite) && word.EndsWith("ى"))
        {
            word.Put("ي");
        }

        CutPrefix(word, isDefinite);
        NormalizeHamza(word);
    }

    /// <summary>A word with an article is a noun.</summary>
    private static bool IsDefinite(StemWord word) =>
        (Begins(word, 0, "بال") || Begins(word, 0, "كال")) ? word.Length > 4 : (Begins(word, 0, "لل") || Begins(word, 0, "ال")) && word.Length > 3;

    private static void Normalize(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            char letter = word[i];
            if (letter is (>= '\u064B' and <= '\u0652') or '\u0640')
            {
                word.Replace(i, i + 1, "");
                i--;
            }
            else if (letter is >= '\u0660' and <= '\u0669')
            {
                word[i] = (char)('0' + (letter - '\u0660'));
            }
            else if (letter is >= FirstForm and < FirstLigature)
            {
                word[i] = Forms[letter - FirstForm];
            }
            else if (letter is >= FirstLigature and <= LastLigature)
            {
                word.Replace(i, i + 1, "لا");
                word[++i] = LigatureAlefs[(letter - FirstLigature) / 2];
            }
        }
    }

    private static bool CutVerbSuffix(StemWord word)
    {
        bool hasObject = false;
        while (CutSized(word, VerbObjects, 4, 5, 6))
        {
            hasObject = true;
        }

        if (hasObject)
        {
            _ = CutSized(word, VerbSubjects, 4, 5, 6, 6) || CutSized(word, VerbPluralsBeforeObjects, 4, 5, 6, 6);
            return word.Length > 0;
        }

        return CutSized(word, VerbPlurals, 4, 5) || CutSized(word, VerbSubjects, 4, 5, 6, 6);
    }

    private static bool CutNounSuffix(StemWord word, bool isDefinite)
    {
        int end = CutNounEnding(word, isDefinite);

        // The adjective ending. Behind an owner alone it is looked for one letter too early, in the original as here.
        if (!word.IsOneBefore("ي", end) || word.Length < 3)
        {
            return false;
        }

        word.Replace(end - 1, end, "");
        return true;
    }

    /// <returns>Where the adjective ending is to be looked for.</returns>
    private static int CutNounEnding(StemWord word, bool isDefinite)
    {
        if (CutOne(word, "ة", 4))
        {
            return word.Length;
        }

        if (!isDefinite && CutSized(word, NounOwners, 4, 5, 6))
        {
            return CutOne(word, "ايو", 5) || CutTwo(word) || CutOne(word, "ت", 4) ? word.Length : word.Length - 1;
        }

        if (CutOne(word, "ن", 6) && (CutOne(word, "ايو", 5) || CutTwo(word) || CutOne(word, "ت", 4)))
        {
            return word.Length;
        }

        _ = (!isDefinite && CutOne(word, "ايو", 5)) || CutTwo(word);
        return word.Length;
    }

    private static bool CutTwo(StemWord word)
    {
        if (word.Length < 5 || !word.EndsWith("ات"))
        {
            return false;
        }

        word.Cut();
        return true;
    }

    private static bool CutOne(StemWord word, string letters, int minLength)
    {
        if (word.Length < minLength || !word.IsOneBefore(letters, word.Length))
        {
            return false;
        }

        word.Cut(1);
        return true;
    }

    /// <summary>Cuts an ending if the word has the length its group asks for.</summary>
    private static bool CutSized(StemWord word, Endings endings, params ReadOnlySpan<int> minLengths)
    {
        int found = word.Find(endings);
        if (found == 0 || word.Length < minLengths[found - 1])
        {
            return false;
        }

        word.Cut();
        return true;
    }

    private static void CutPrefix(StemWord word, bool isDefinite)
    {
        int at = CutQuestion(word);
        if (word.Length > 3 && word.IsOneAt("فو", at) && !word.IsOneAt("ا", at + 1))
        {
            word.Replace(at, at + 1, "");
        }

        if (CutArticle(word, at) || CutPreposition(word, at) || isDefinite)
        {
            return;
        }

        if (word.Length > 4 && word.IsOneAt("س", at) && word.IsOneAt("يتنأ", at + 1))
        {
            word.Replace(at, at + 1, "");
            at++;
        }

        if (word.Length > 4 && word.IsOneAt("ينت", at) && Begins(word, at + 1, "ست"))
        {
            word[at] = 'ا';
        }
    }

    /// <summary>A doubled hamza becomes one letter.</summary>
    /// <returns>Where the further prefixes begin.</returns>
    private static int CutQuestion(StemWord word)
    {
        if (word.Length <= 3 || word[0] != 'أ' || !word.IsOneAt("أآؤاإ", 1))
        {
            return 0;
        }

        char second = word[1];
        word.Replace(0, 1, "");
        word[0] = second == 'ؤ' ? 'أ' : second;
        return 1;
    }

    private static bool CutArticle(StemWord word, int at)
    {
        int length = Begins(word, at, "بال") || Begins(word, at, "كال") ? 3 : Begins(word, at, "لل") || Begins(word, at, "ال") ? 2 : 0;
        if (length == 0 || word.Length <= length + 2)
        {
            return false;
        }

        word.Replace(at, at + length, "");
        return true;
    }

    private static bool CutPreposition(StemWord word, int at)
    {
        if (Begins(word, at, "با"))
        {
            return true;
        }

        if (word.Length <= 3 || !(word.IsOneAt("ب", at) || Begins(word, at, "كك")))
        {
            return false;
        }

        word.Replace(at, at + 1, "");
        return true;
    }

    private static void NormalizeHamza(StemWord word)
    {
        int last = word.Length - 1;
        for (int i = 0; i <= last; i++)
        {
            word[i] = word[i] switch
            {
                'أ' or 'إ' or 'آ' or 'ؤ' or 'ئ' when i == last => 'ء',
                'أ' or 'إ' or 'آ' => 'ا',
                'ؤ' => 'و',
                'ئ' => 'ي',
                var other => other,
            };
        }
    }

    private static bool Begins(StemWord word, int at, string letters) => at <= word.Length && word.Text[at..].StartsWith(letters);
}
