namespace Puff.Engine.Text;

/// <summary>Spanish.</summary>
internal sealed class SpanishStemmer : Stemmer
{
    private const string Vowels = "aeiouáéíóúü";

    private static readonly Endings Pronouns = new("me se sela selo selas selos la le lo las les los nos");
    private static readonly Endings BeforePronouns = new("iéndo", "ándo", "ár", "ér", "ír", "ando iendo ar er ir", "yendo");
    private static readonly string[] Unaccented = ["iendo", "ando", "ar", "er", "ir"];

    private static readonly Endings Standard = new(
        "anza anzas ico ica icos icas ismo ismos able ables ible ibles ista istas oso osa osos osas amiento amientos imiento imientos",
        "adora ador ación adoras adores aciones ante antes ancia ancias",
        "logía logías",
        "ución uciones",
        "encia encias",
        "amente",
        "mente",
        "idad idades",
        "iva ivo ivas ivos");

    private static readonly Endings BeforeAmente = new("iv", "os ic ad");
    private static readonly Endings BeforeMente = new("ante able ible");
    private static readonly Endings BeforeIdad = new("abil ic iv");
    private static readonly Endings VerbsWithY = new("ya ye yan yen yeron yendo yo yó yas yes yais yamos");

    private static readonly Endings Verbs = new(
        "en es éis emos",
        "arían arías arán arás aríais aría aréis aríamos aremos ará aré erían erías erán erás eríais ería eréis eríamos eremos erá eré " +
        "irían irías irán irás iríais iría iréis iríamos iremos irá iré aba ada ida ía ara iera ad ed id ase iese aste iste an aban ían " +
        "aran ieran asen iesen " +
        "aron ieron ado ido ando iendo ió ar er ir as abas adas idas ías aras ieras ases ieses ís áis abais íais arais ierais aseis ieseis asteis isteis " +
        "ados idos amos ábamos íamos imos áramos iéramos iésemos ásemos");

    private static readonly Endings Residues = new("os a o á í ó", "e é");

    public override void Stem(StemWord word)
    {
        int rv = word.RomanceRegion(Vowels);
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        Pronoun(word, rv);
        if (!StandardEnding(word, r1, r2) && !VerbWithY(word, rv))
        {
            Verb(word, rv);
        }

        Residue(word, rv);
        for (int i = 0; i < word.Length; i++)
        {
            word[i] = word[i] switch { 'á' => 'a', 'é' => 'e', 'í' => 'i', 'ó' => 'o', 'ú' => 'u', var other => other };
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
        if (form == 0 || end - length < rv)
        {
            return;
        }

        if (form <= Unaccented.Length)
        {
            word.Replace(end - length, word.Length, Unaccented[form - 1]);
        }
        else if (form == 6 || word.IsOneBefore("u", end - length))
        {
            word.Cut();
        }
    }

    private static bool StandardEnding(StemWord word, int r1, int r2)
    {
        int found = word.Find(Standard);
        if (found == 0 || word.EndingStart < (found == 6 ? r1 : r2))
        {
            return false;
        }

        word.Put(found switch { 3 => "log", 4 => "u", 5 => "ente", _ => "" });
        switch (found)
        {
            case 2:
                CutIf(word, word.EndsWith("ic"), r2);
                break;
            case 6:
                int before = word.Find(BeforeAmente);
                if (CutIf(word, before != 0, r2) && before == 1)
                {
                    CutIf(word, word.EndsWith("at"), r2);
                }

                break;
            case 7:
                CutIf(word, word.Find(BeforeMente) != 0, r2);
                break;
            case 8:
                CutIf(word, word.Find(BeforeIdad) != 0, r2);
                break;
            case 9:
                CutIf(word, word.EndsWith("at"), r2);
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

    private static bool VerbWithY(StemWord word, int rv)
    {
        if (word.Find(VerbsWithY, rv) == 0 || !word.IsOneBefore("u", word.EndingStart))
        {
            return false;
        }

        word.Cut();
        return true;
    }

    private static void Verb(StemWord word, int rv)
    {
        int found = word.Find(Verbs, rv);
        bool hasU = found == 1 && word.IsBefore("gu", word.EndingStart);
        if (found != 0)
        {
            word.Cut();
            word.Cut(hasU ? 1 : 0);
        }
    }

    private static void Residue(StemWord word, int rv)
    {
        int found = word.Find(Residues);
        if (found == 0 || word.EndingStart < rv)
        {
            return;
        }

        word.Cut();
        if (found == 2 && word.IsBefore("gu", word.Length) && word.Length - 1 >= rv)
        {
            word.Cut(1);
        }
    }
}
