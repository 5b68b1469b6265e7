namespace Puff.Engine.Text;

/// <summary>Romanian, written with cedillas (ş, ţ). I and U stand for consonants between vowels while the word is worked on.</summary>
internal sealed class RomanianStemmer : Stemmer
{
    private const string Vowels = "aeiouâîă";

    private static readonly Endings Plurals = new("ul ului", "aua", "ea ele elor", "ii iua iei iile iilor ilor", "ile", "atei", "aţie aţia");
    private static readonly string[] PluralReplacements = ["", "a", "e", "i", "i", "at", "aţi"];

    private static readonly Endings Combinations = new(
        "abilitate abilitati abilităi abilităţi",
        "ibilitate",
        "ivitate ivitati ivităi ivităţi",
        "icitate icitati icităi icităţi icator icatori iciv iciva icive icivi icivă ical icala icale icali icală",
        "ativ ativa ative ativi ativă aţiune atoare ator atori ătoare ător ători",
        "itiv itiva itive itivi itivă iţiune itoare itor itori");

    private static readonly string[] CombinationReplacements = ["abil", "ibil", "iv", "ic", "at", "it"];

    private static readonly Endings Standard = new(
        "at ata ată ati ate ut uta ută uti ute it ita ită iti ite ic ica ice ici ică abil abila abile abili abilă ibil ibila ibile ibili " +
        "ibilă oasa oasă oase os " +
        "osi oşi ant anta ante anti antă ator atori itate itati ităi ităţi iv iva ive ivi ivă",
        "iune iuni",
        "ism isme ist ista iste isti istă işti");

    private static readonly Endings Verbs = new(
        "are ere ire âre ind ând indu ându eze ească ez ezi ează esc eşti eşte ăsc ăşti ăşte am ai au eam eai ea eaţi eau iam iai ia iaţi iau ui " +
        "aşi arăm arăţi ară uşi urăm urăţi ură işi irăm irăţi iră âi âşi ârăm ârăţi âră asem aseşi ase aserăm aserăţi aseră isem iseşi ise iserăm iserăţi " +
        "iseră âsem âseşi âse âserăm âserăţi âseră usem useşi use userăm userăţi useră",
        "ăm aţi em eţi im iţi âm âţi seşi serăm serăţi seră sei se sesem seseşi sese seserăm seserăţi seseră");

    private static readonly Endings FinalVowels = new("a e i ie ă");

    public override void Stem(StemWord word)
    {
        MarkConsonants(word);
        int rv = word.RomanceRegion(Vowels);
        int r1 = word.Region(Vowels, 0);
        int r2 = word.Region(Vowels, r1);
        int plural = word.Find(Plurals);
        if (plural != 0 && word.EndingStart >= r1 && !(plural == 5 && word.IsBefore("ab", word.EndingStart)))
        {
            word.Put(PluralReplacements[plural - 1]);
        }

        if (!StandardEnding(word, r1, r2))
        {
            Verb(word, rv);
        }

        if (word.Find(FinalVowels) != 0 && word.EndingStart >= rv)
        {
            word.Cut();
        }

        word.ReplaceAll('I', 'i');
        word.ReplaceAll('U', 'u');
    }

    private static void MarkConsonants(StemWord word)
    {
        for (int i = 0; i + 2 < word.Length; i++)
        {
            if (Vowels.Contains(word[i]) && word[i + 1] is 'u' or 'i' && Vowels.Contains(word[i + 2]))
            {
                word[i + 1] = word[i + 1] == 'u' ? 'U' : 'I';
            }
        }
    }

    private static bool StandardEnding(StemWord word, int r1, int r2)
    {
        bool isRemoved = false;
        for (int found = word.Find(Combinations); found != 0 && word.EndingStart >= r1; found = word.Find(Combinations))
        {
            word.Put(CombinationReplacements[found - 1]);
            isRemoved = true;
        }

        int standard = word.Find(Standard);
        if (standard == 0 || word.EndingStart < r2 || (standard == 2 && !word.IsOneBefore("ţ", word.EndingStart)))
        {
            return isRemoved;
        }

        if (standard == 2)
        {
            word.Cut();
            word[word.Length - 1] = 't';
        }
        else
        {
            word.Put(standard == 3 ? "ist" : "");
        }

        return true;
    }

    private static void Verb(StemWord word, int rv)
    {
        int found = word.Find(Verbs, rv);
        int start = word.EndingStart;
        if (found == 2 || (found == 1 && (word.IsNoneBefore(Vowels, start, rv) || word.IsOneBefore("u", start, rv))))
        {
            word.Cut();
        }
    }
}
