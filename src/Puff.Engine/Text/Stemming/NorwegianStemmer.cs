namespace Puff.Engine.Text;

/// <summary>Norwegian (Bokmål): inflections within R1, which begins at the fourth character at the earliest.</summary>
internal sealed class NorwegianStemmer : Stemmer
{
    private const string Vowels = "aeiouyæåø";
    private const string BeforeS = "bcdfghjlmnoprtvyz";

    private static readonly Endings Inflections = new(
        "a e ede ande ende ane ene hetene en heten ar er heter as es edes endes enes hetenes ens hetens ers ets et het ast",
        "s",
        "erte ert");

    private static readonly Endings Pairs = new("dt vt");
    private static readonly Endings Derivations = new("leg eleg ig eig lig elig els lov elov slov hetslov");

    public override void Stem(StemWord word)
    {
        int r1 = word.Length < 3 ? word.Length : Math.Max(3, word.Region(Vowels, 0));
        switch (word.Find(Inflections, r1))
        {
            case 1:
            case 2 when IsCutBehind(word, word.EndingStart):
                word.Cut();
                break;
            case 3:
                word.Put("er");
                break;
        }

        if (word.Find(Pairs, r1) != 0)
        {
            word.Cut(1);
        }

        if (word.Find(Derivations, r1) != 0)
        {
            word.Cut();
        }
    }

    /// <summary>True if an s may go: behind certain consonants, and behind a k that follows a consonant.</summary>
    private static bool IsCutBehind(StemWord word, int end) =>
        word.IsOneBefore(BeforeS, end) || (word.IsOneBefore("k", end) && word.IsNoneBefore(Vowels, end - 1));
}
