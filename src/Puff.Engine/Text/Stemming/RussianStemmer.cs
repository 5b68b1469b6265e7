namespace Puff.Engine.Text;

/// <summary>Russian. All endings lie in RV, which begins after the first vowel.</summary>
internal sealed class RussianStemmer : Stemmer
{
    private const string Vowels = "аеиоуыэюя";
    private const string BeforeEnding = "ая";

    private static readonly Endings Gerunds = new("в вши вшись", "ив ивши ившись ыв ывши ывшись");
    private static readonly Endings Adjectives = new("ее ие ые ое ими ыми ей ий ый ой ем им ым ом его ого ему ому их ых ую юю ая яя ою ею");
    private static readonly Endings Participles = new("ем нн вш ющ щ", "ивш ывш ующ");
    private static readonly Endings Reflexives = new("ся сь");

    private static readonly Endings Verbs = new(
        "ла на ете йте ли й л ем н ло но ет ют ны ть ешь нно",
        "ила ыла ена ейте уйте ите или ыли ей уй ил ыл им ым ен ило ыло ено ят ует уют ит ыт ены ить ыть ишь ую ю");

    private static readonly Endings Nouns = new(
        "а ев ов ие ье е иями ями ами еи ии и ией ей ой ий й иям ям ием ем ам ом о у ах иях ях ы ь ию ью ю ия ья я");

    private static readonly Endings Derivations = new("ост ость");
    private static readonly Endings Superlatives = new("ейш ейше", "н", "ь");

    public override void Stem(StemWord word)
    {
        word.ReplaceAll('ё', 'е');
        int rv = word.PastOne(Vowels, 0);
        int r2 = word.Region(Vowels, word.PastOther(Vowels, rv));
        if (!Cut(word, Gerunds, rv))
        {
            if (word.Find(Reflexives, rv) != 0)
            {
                word.Cut();
            }

            if (!Adjectival(word, rv) && !Cut(word, Verbs, rv) && word.Find(Nouns, rv) != 0)
            {
                word.Cut();
            }
        }

        if (word.EndsWith("и", rv))
        {
            word.Cut();
        }

        if (word.Find(Derivations, rv) != 0 && word.EndingStart >= r2)
        {
            word.Cut();
        }

        TidyUp(word, rv);
    }

    /// <summary>Cuts an ending: one of the first group only behind а or я.</summary>
    private static bool Cut(StemWord word, Endings endings, int rv)
    {
        int found = word.Find(endings, rv);
        if (found == 2 || (found == 1 && word.IsOneBefore(BeforeEnding, word.EndingStart, rv)))
        {
            word.Cut();
            return true;
        }

        return false;
    }

    private static bool Adjectival(StemWord word, int rv)
    {
        if (word.Find(Adjectives, rv) == 0)
        {
            return false;
        }

        word.Cut();
        Cut(word, Participles, rv);
        return true;
    }

    private static void TidyUp(StemWord word, int rv)
    {
        switch (word.Find(Superlatives, rv))
        {
            case 1:
                word.Cut();
                if (word.EndsWith("нн", rv))
                {
                    word.Cut(1);
                }

                break;
            case 2 when word.IsOneBefore("н", word.EndingStart, rv):
            case 3:
                word.Cut();
                break;
        }
    }
}
