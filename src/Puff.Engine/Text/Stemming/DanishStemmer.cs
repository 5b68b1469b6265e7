namespace Puff.Engine.Text;

/// <summary>Danish: inflections, then a doubled consonant. R1 begins at the fourth character at the earliest.</summary>
internal sealed class DanishStemmer : Stemmer
{
    private const string Vowels = "aeiouyæåø";
    private const string Consonants = "bcdfghjklmnpqrstvwxz";
    private const string BeforeS = "abcdfghjklmnoprtvyzå";

    private static readonly Endings Inflections = new(
        "hed ethed ered e erede ende erende ene erne ere en heden eren er heder erer heds es endes erendes enes ernes eres ens hedens erens " +
        "ers ets erets et eret",
        "s");

    private static readonly Endings Pairs = new("gd dt gt kt");
    private static readonly Endings Derivations = new("ig lig elig els", "løst");

    public override void Stem(StemWord word)
    {
        int r1 = word.Length < 3 ? word.Length : Math.Max(3, word.Region(Vowels, 0));
        int inflection = word.Find(Inflections, r1);
        if (inflection == 1 || (inflection == 2 && word.IsOneBefore(BeforeS, word.EndingStart)))
        {
            word.Cut();
        }

        CutPair(word, r1);
        if (word.EndsWith("igst"))
        {
            word.Cut(2);
        }

        int derivation = word.Find(Derivations, r1);
        if (derivation == 1)
        {
            word.Cut();
            CutPair(word, r1);
        }
        else if (derivation == 2)
        {
            word.Put("løs");
        }

        int last = word.Length - 1;
        if (last >= r1 && last > 0 && Consonants.Contains(word[last]) && word[last - 1] == word[last])
        {
            word.Cut(1);
        }
    }

    private static void CutPair(StemWord word, int r1)
    {
        if (word.Find(Pairs, r1) != 0)
        {
            word.Cut(1);
        }
    }
}
