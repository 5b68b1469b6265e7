namespace Puff.Engine.Text;

/// <summary>Portuguese. While the word is worked on, ã and õ are written a~ and o~: a vowel and a consonant.</summary>
internal sealed class PortugueseStemmer : Stemmer
{
    private const string Vowels = "aeiouáéíóúâêô";

    private static readonly Endings Standard = new(
        "eza ezas ico ica icos icas ismo ismos ável ível ista istas oso osa osos osas amento amentos imento imentos adora ador aça~o adoras adores aço~es " +
        "ante antes ância",
        "logia logias",
        "uça~o uço~es",
        "ência ências",
        "amente",
        "mente",
        "idade idades",
        "iva ivo ivas ivos",
        "ira iras");

    private static readonly Endings BeforeAmente = new("iv", "os ic ad");
    private static readonly Endings BeforeMente = new("ante avel ível");
    private static readonly Endings BeforeIdade = new("abil ic iv");

    private static readonly Endings Verbs = new(
        "ada ida ia aria eria iria ará ara erá era irá ava asse esse isse aste este iste ei arei erei irei am iam ariam eriam iriam aram " +
        "eram iram avam em arem " +
        "erem irem assem essem issem ado ido ando endo indo ara~o era~o ira~o ar er ir as adas idas ias arias erias irias arás aras erás eras irás avas es " +
        "ardes erdes irdes ares eres ires asses esses isses astes estes istes is ais eis íeis aríeis eríeis iríeis áreis areis éreis ereis " +
        "íreis ireis ásseis " +
        "ésseis ísseis áveis ados idos ámos amos íamos aríamos eríamos iríamos áramos éramos íramos ávamos emos aremos eremos iremos ássemos êssemos íssemos " +
        "imos armos ermos irmos eu iu ou ira iras");

    private static readonly Endings Residues = new("os a i o á í ó");
    private static readonly Endings Forms = new("e é ê", "ç");

    public override void Stem(StemWord word)
    {
        Split(word, 'ã', "a~");
        Split(word, 'õ', "o~");
        int rv = word.RomanceRegion(Vowels);
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        if (StandardEnding(word, rv, r1, r2) || Verb(word, rv))
        {
            if (word.IsBefore("ci", word.Length) && word.Length - 1 >= rv)
            {
                word.Cut(1);
            }
        }
        else if (word.Find(Residues) != 0 && word.EndingStart >= rv)
        {
            word.Cut();
        }

        Form(word, rv);
        Join(word, "a~", 'ã');
        Join(word, "o~", 'õ');
    }

    private static bool StandardEnding(StemWord word, int rv, int r1, int r2)
    {
        int found = word.Find(Standard);
        if (found == 0 || word.EndingStart < found switch { 5 => r1, 9 => rv, _ => r2 } || (found == 9 && !word.IsOneBefore("e", word.EndingStart)))
        {
            return false;
        }

        word.Put(found switch { 2 => "log", 3 => "u", 4 => "ente", 9 => "ir", _ => "" });
        switch (found)
        {
            case 5:
                int before = word.Find(BeforeAmente);
                if (CutIf(word, before != 0, r2) && before == 1)
                {
                    CutIf(word, word.EndsWith("at"), r2);
                }

                break;
            case 6:
                CutIf(word, word.Find(BeforeMente) != 0, r2);
                break;
            case 7:
                CutIf(word, word.Find(BeforeIdade) != 0, r2);
                break;
            case 8:
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

    private static bool Verb(StemWord word, int rv)
    {
        bool isVerb = word.Find(Verbs, rv) != 0;
        if (isVerb)
        {
            word.Cut();
        }

        return isVerb;
    }

    private static void Form(StemWord word, int rv)
    {
        int found = word.Find(Forms);
        if (found == 2)
        {
            word.Put("c");
        }
        else if (found == 1 && word.EndingStart >= rv)
        {
            word.Cut();
            if ((word.IsBefore("gu", word.Length) || word.IsBefore("ci", word.Length)) && word.Length - 1 >= rv)
            {
                word.Cut(1);
            }
        }
    }

    private static void Split(StemWord word, char letter, string parts)
    {
        for (int i = word.Text.IndexOf(letter); i >= 0; i = word.Text.IndexOf(letter))
        {
            word.Replace(i, i + 1, parts);
        }
    }

    private static void Join(StemWord word, string parts, char letter)
    {
        for (int i = word.Text.IndexOf(parts); i >= 0; i = word.Text.IndexOf(parts))
        {
            word.Replace(i, i + 2, "");
            word.Replace(i, i, letter == 'ã' ? "ã" : "õ");
        }
    }
}
