namespace Puff.Engine.Text;

/// <summary>Italian. I and U stand for consonants while the word is worked on.</summary>
internal sealed class ItalianStemmer : Stemmer
{
    private const string Vowels = "aeiouàèìòù";
    private const string FinalVowels = "aeioàèìò";

    private static readonly Endings Pronouns = new(
        "ci gli la le li lo mi ne si ti vi sene gliela gliele glieli glielo gliene mela mele meli melo mene tela tele teli telo tene cela " +
        "cele celi celo cene " +
        "vela vele veli velo vene");

    private static readonly Endings BeforePronouns = new("ando endo", "ar er ir");

    private static readonly Endings Standard = new(
        "anza anze ico ici ica ice iche ichi ismo ismi abile abili ibile ibili ista iste isti istà istè istì oso osi osa ose mente atrice atrici ante anti",
        "azione azioni atore atori",
        "logia logie",
        "uzione uzioni usione usioni",
        "enza enze",
        "amento amenti imento imenti",
        "amente",
        "ità",
        "ivo ivi iva ive");

    private static readonly Endings BeforeAmente = new("iv", "os ic abil");
    private static readonly Endings BeforeIta = new("abil ic iv");

    private static readonly Endings Verbs = new(
        "ammo ando ano are arono asse assero assi assimo ata ate ati ato ava avamo avano avate avi avo emmo enda ende endi endo erà erai eranno ere erebbe " +
        "erebbero erei eremmo eremo ereste eresti erete erò erono essero ete eva evamo evano evate evi evo Yamo iamo immo irà irai iranno " +
        "ire irebbe irebbero " +
        "irei iremmo iremo ireste iresti irete irò irono isca iscano isce isci isco iscono issero ita ite iti ito iva ivamo ivano ivate ivi ivo ono uta ute " +
        "uti uto ar ir");

    public override void Stem(StemWord word)
    {
        MarkConsonants(word);
        int rv = word.RomanceRegion(Vowels);
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        Pronoun(word, rv);
        if (!StandardEnding(word, rv, r1, r2) && word.Find(Verbs, rv) != 0)
        {
            word.Cut();
        }

        FinalVowel(word, rv);
        word.ReplaceAll('I', 'i');
        word.ReplaceAll('U', 'u');
    }

    private static void MarkConsonants(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            word[i] = word[i] switch
            {
                'á' => 'à',
                'é' => 'è',
                'í' => 'ì',
                'ó' => 'ò',
                'ú' => 'ù',
                'u' when i > 0 && word[i - 1] == 'q' => 'U',
                var other => other,
            };
        }

        for (int i = 0; i + 2 < word.Length; i++)
        {
            if (Vowels.Contains(word[i]) && word[i + 1] is 'u' or 'i' && Vowels.Contains(word[i + 2]))
            {
                word[i + 1] = word[i + 1] == 'u' ? 'U' : 'I';
            }
        }
    }

    private static void Pronoun(StemWord word, int rv)
    {
        if (word.Find(Pronouns) == 0)
        {
            return;
        }

        int end = word.EndingStart;
        int form = BeforePronouns.Longest(word.Text[..end], out int length);
        if (form != 0 && end - length >= rv)
        {
            word.Put(form == 1 ? "" : "e");
        }
    }

    private static bool StandardEnding(StemWord word, int rv, int r1, int r2)
    {
        int found = word.Find(Standard);
        if (found == 0 || word.EndingStart < found switch { 6 => rv, 7 => r1, _ => r2 })
        {
            return false;
        }

        word.Put(found switch { 3 => "log", 4 => "u", 5 => "ente", _ => "" });
        switch (found)
        {
            case 2:
                CutIf(word, word.EndsWith("ic"), r2);
                break;
            case 7:
                int before = word.Find(BeforeAmente);
                if (CutIf(word, before != 0, r2) && before == 1)
                {
                    CutIf(word, word.EndsWith("at"), r2);
                }

                break;
            case 8:
                CutIf(word, word.Find(BeforeIta) != 0, r2);
                break;
            case 9:
                if (CutIf(word, word.EndsWith("at"), r2))
                {
                    CutIf(word, word.EndsWith("ic"), r2);
                }

                break;
        }

        return true;
    }

    private static bool CutIf(StemWord word, bool isFound, int from)
    {
        bool isCut = isFound && word.EndingStart >= from;
        if (isCut)
        {
            word.Cut();
        }

        return isCut;
    }

    private static void FinalVowel(StemWord word, int rv)
    {
        if (word.IsOneBefore(FinalVowels, word.Length, rv))
        {
            word.Cut(1);
            if (word.IsOneBefore("i", word.Length, rv))
            {
                word.Cut(1);
            }
        }

        if (word.IsOneBefore("h", word.Length) && word.IsOneBefore("cg", word.Length - 1, rv))
        {
            word.Cut(1);
        }
    }
}
