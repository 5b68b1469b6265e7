namespace Puff.Engine.Text;

/// <summary>French. U, I and Y stand for consonants while the word is worked on, and He and Hi for ë and ï.</summary>
internal sealed class FrenchStemmer : Stemmer
{
    private const string Vowels = "aeiouyâàëéêèïîôûù";
    private const string KeepS = "aiouès";

    private static readonly string[] ShortBeginnings = ["par", "col", "tap"];

    private static readonly Endings Standard = new(
        "ance iqUe isme able iste eux ances iqUes ismes ables istes",
        "atrice ateur ation atrices ateurs ations",
        "logie logies",
        "usion ution usions utions",
        "ence ences",
        "ement ements",
        "ité ités",
        "if ive ifs ives",
        "eaux",
        "aux",
        "euse euses",
        "issement issements",
        "amment",
        "emment",
        "ment ments");

    private static readonly Endings BeforeEment = new("iv", "eus", "abl iqU", "ièr Ièr");
    private static readonly Endings BeforeIte = new("abil", "ic", "iv");

    private static readonly Endings IVerbs = new(
        "îmes ît îtes i ie ies ir ira irai iraIent irais irait iras irent irez iriez irions irons iront is issaIent issais issait issant issante issantes " +
        "issants isse issent isses issez issiez issions issons it");

    private static readonly Endings Verbs = new(
        "ions",
        "é ée ées és èrent er era erai eraIent erais erait eras erez eriez erions erons eront ez iez",
        "âmes ât âtes a ai aIent ais ait ant ante antes ants as asse assent asses assiez assions");

    private static readonly Endings Residues = new("ion", "ier ière Ier Ière", "e");
    private static readonly Endings Doubles = new("enn onn ett ell eill");

    public override void Stem(StemWord word)
    {
        MarkConsonants(word);
        var regions = new Regions(VerbRegion(word), word.Region(Vowels, 0), word.Region(Vowels, word.Region(Vowels, 0)));
        if (StandardEnding(word, regions) || IVerb(word, regions.Verb) || Verb(word, regions))
        {
            if (word.EndsWith("Y"))
            {
                word.Put("i");
            }
            else if (word.EndsWith("ç"))
            {
                word.Put("c");
            }
        }
        else
        {
            Residue(word, regions);
        }

        if (word.Find(Doubles) != 0)
        {
            word.Cut(1);
        }

        Unaccent(word);
        Unmark(word);
    }

    private static void MarkConsonants(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            bool isVowel = Vowels.Contains(word[i]);
            if (isVowel && word.IsOneAt("ui", i + 1) && word.IsOneAt(Vowels, i + 2))
            {
                word[i + 1] = word[i + 1] == 'u' ? 'U' : 'I';
            }
            else if (isVowel && word.IsOneAt("y", i + 1))
            {
                word[i + 1] = 'Y';
            }
            else if (word[i] is 'ë' or 'ï')
            {
                word.Replace(i, i + 1, word[i] == 'ë' ? "He" : "Hi");
            }
            else if (word[i] == 'y' && word.IsOneAt(Vowels, i + 1))
            {
                word[i] = 'Y';
            }
            else if (word[i] == 'q' && word.IsOneAt("u", i + 1))
            {
                word[i + 1] = 'U';
            }
        }
    }

    /// <summary>
    /// RV: after two initial vowels and a further character, after the beginnings par-, col-, tap-, else after the first vowel behind the first character.
    /// </summary>
    private static int VerbRegion(StemWord word)
    {
        bool isAfterThree = (word.Length >= 3 && Vowels.Contains(word[0]) && Vowels.Contains(word[1])) || BeginsShort(word);
        return isAfterThree ? 3 : word.PastOne(Vowels, 1);
    }

    private static bool BeginsShort(StemWord word)
    {
        foreach (string beginning in ShortBeginnings)
        {
            if (word.Text.StartsWith(beginning))
            {
                return true;
            }
        }

        return false;
    }

    private static bool StandardEnding(StemWord word, Regions regions)
    {
        int found = word.Find(Standard);
        int start = word.EndingStart;
        switch (found)
        {
            case 0:
            case 1 or 2 or 3 or 4 or 5 or 7 or 8 when start < regions.Second:
            case 6 when start < regions.Verb:
            case 10 when start < regions.First:
            case 12 when start < regions.First || !word.IsNoneBefore(Vowels, start):
                return false;
            case 11 when start < regions.Second:
                if (start < regions.First)
                {
                    return false;
                }

                word.Put("eux");
                return true;
            case 13 or 14:
                if (start >= regions.Verb)
                {
                    word.Put(found == 13 ? "ant" : "ent");
                }

                return false;
            case 15:
                if (word.IsOneBefore(Vowels, start, regions.Verb))
                {
                    word.Cut();
                }

                return false;
        }

        word.Put(found switch { 3 => "log", 4 => "u", 5 => "ent", 9 => "eau", 10 => "al", _ => "" });
        switch (found)
        {
            case 2:
                CutOrPut(word, word.EndsWith("ic"), regions.Second, "iqU");
                break;
            case 6:
                AfterEment(word, regions);
                break;
            case 7:
                int before = word.Find(BeforeIte);
                CutOrPut(word, before != 0, regions.Second, before switch { 1 => "abl", 2 => "iqU", _ => null });
                break;
            case 8:
                if (word.EndsWith("at") && word.EndingStart >= regions.Second)
                {
                    word.Cut();
                    CutOrPut(word, word.EndsWith("ic"), regions.Second, "iqU");
                }

                break;
        }

        return true;
    }

    private static void AfterEment(StemWord word, Regions regions)
    {
        int before = word.Find(BeforeEment);
        int start = word.EndingStart;
        switch (before)
        {
            case 1 when start >= regions.Second:
                word.Cut();
                CutOrPut(word, word.EndsWith("at"), regions.Second, null);
                break;
            case 2:
                CutOrPut(word, true, regions.Second, start >= regions.First ? "eux" : null);
                break;
            case 3:
                CutOrPut(word, true, regions.Second, null);
                break;
            case 4 when start >= regions.Verb:
                word.Put("i");
                break;
        }
    }

    /// <summary>Cuts the ending found if it lies in the region, else replaces it.</summary>
    private static void CutOrPut(StemWord word, bool isFound, int from, string? replacement)
    {
        if (isFound && word.EndingStart >= from)
        {
            word.Cut();
        }
        else if (isFound && replacement is not null)
        {
            word.Put(replacement);
        }
    }

    private static bool IVerb(StemWord word, int rv)
    {
        if (word.Find(IVerbs, rv) == 0 || !word.IsNoneBefore(Vowels + "H", word.EndingStart, rv))
        {
            return false;
        }

        word.Cut();
        return true;
    }

    private static bool Verb(StemWord word, Regions regions)
    {
        int found = word.Find(Verbs, regions.Verb);
        if (found == 0 || (found == 1 && word.EndingStart < regions.Second))
        {
            return false;
        }

        word.Cut();
        if (found == 3 && word.EndsWith("e", regions.Verb))
        {
            word.Cut();
        }

        return true;
    }

    private static void Residue(StemWord word, Regions regions)
    {
        int last = word.Length - 1;
        if (word.EndsWith("s") && (word.IsBefore("Hi", last) || word.IsNoneBefore(KeepS, last)))
        {
            word.Cut();
        }

        switch (word.Find(Residues, regions.Verb))
        {
            case 1 when word.EndingStart >= regions.Second && word.IsOneBefore("st", word.EndingStart, regions.Verb):
            case 3:
                word.Cut();
                break;
            case 2:
                word.Put("i");
                break;
        }
    }

    /// <summary>The last vowel loses its accent if it is an é or è behind which a consonant stands.</summary>
    private static void Unaccent(StemWord word)
    {
        int end = word.Length;
        while (word.IsNoneBefore(Vowels, end))
        {
            end--;
        }

        if (end < word.Length && word.IsOneBefore("éè", end))
        {
            word[end - 1] = 'e';
        }
    }

    private static void Unmark(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            switch (word[i])
            {
                case 'I' or 'U' or 'Y':
                    word[i] = char.ToLowerInvariant(word[i]);
                    break;
                case 'H' when word.IsOneAt("ei", i + 1):
                    word.Replace(i, i + 2, word[i + 1] == 'e' ? "ë" : "ï");
                    break;
                case 'H':
                    word.Replace(i, i + 1, "");
                    i--;
                    break;
            }
        }
    }

    private readonly record struct Regions(int Verb, int First, int Second);
}
