namespace Puff.Engine.Text;

/// <summary>Swedish: inflections within R1, which begins at the fourth character at the earliest.</summary>
internal sealed class SwedishStemmer : Stemmer
{
    private const string Vowels = "aeiouyäåö";
    private const string BeforeS = "bcdfghjklmnoprtvy";

    private static readonly Endings Inflections = new(
        "a arna erna heterna orna ad e ade ande arne are aste en anden aren heten ern ar er heter or as arnas ernas ornas es ades andes ens " +
        "arens hetens erns " +
        "at andet het ast",
        "s");

    private static readonly Endings Pairs = new("dd gd nn dt gt kt tt");
    private static readonly Endings Derivations = new("lig ig els", "löst", "fullt");

    public override void Stem(StemWord word)
    {
        int r1 = word.Length < 3 ? word.Length : Math.Max(3, word.Region(Vowels, 0));
        int inflection = word.Find(Inflections, r1);
        if (inflection == 1 || (inflection == 2 && word.IsOneBefore(BeforeS, word.EndingStart)))
        {
            word.Cut();
        }

        if (word.Find(Pairs, r1) != 0)
        {
            word.Cut(1);
        }

        int derivation = word.Find(Derivations, r1);
        if (derivation == 1)
        {
            word.Cut();
        }
        else if (derivation != 0)
        {
            word.Put(derivation == 2 ? "lös" : "full");
        }
    }
}
