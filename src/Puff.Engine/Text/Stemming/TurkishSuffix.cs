namespace Puff.Engine.Text;

/// <summary>A Turkish suffix: its forms, whether they obey vowel harmony, and the letter that may stand before it (U: a high vowel).</summary>
internal sealed class TurkishSuffix(string forms, bool isHarmonic = true, char optional = '\0')
{
    public static readonly TurkishSuffix Possessive = new("mız miz muz müz nız niz nuz nüz m n", isHarmonic: false, 'U');
    public static readonly TurkishSuffix ThirdPossessive = new("ı i u ü", true, 's');
    public static readonly TurkishSuffix PluralPossessive = new("leri ları", isHarmonic: false);
    public static readonly TurkishSuffix Plural = new("ler lar");
    public static readonly TurkishSuffix Accusative = new("ı i u ü", true, 'y');
    public static readonly TurkishSuffix NAccusative = new("nı ni nu nü");
    public static readonly TurkishSuffix Genitive = new("ın in un ün", true, 'n');
    public static readonly TurkishSuffix Dative = new("a e", true, 'y');
    public static readonly TurkishSuffix NDative = new("na ne");
    public static readonly TurkishSuffix Locative = new("da de ta te");
    public static readonly TurkishSuffix NLocative = new("nda nde");
    public static readonly TurkishSuffix Ablative = new("dan den tan ten");
    public static readonly TurkishSuffix NAblative = new("ndan nden");
    public static readonly TurkishSuffix Comitative = new("la le", true, 'y');
    public static readonly TurkishSuffix Equative = new("ca ce", true, 'n');
    public static readonly TurkishSuffix Ki = new("ki", isHarmonic: false);

    public static readonly TurkishSuffix FirstPerson = new("ım im um üm", true, 'y');
    public static readonly TurkishSuffix SecondPerson = new("sın sin sun sün");
    public static readonly TurkishSuffix FirstPersons = new("ız iz uz üz", true, 'y');
    public static readonly TurkishSuffix SecondPersons = new("sınız siniz sunuz sünüz", isHarmonic: false);
    public static readonly TurkishSuffix SecondPersonsPast = new("nız niz nuz nüz");
    public static readonly TurkishSuffix Is = new("tır tir tur tür dır dir dur dür");
    public static readonly TurkishSuffix AsIf = new("casına cesine", isHarmonic: false);
    public static readonly TurkishSuffix Conditional = new("sam san sak sem sen sek sa se", isHarmonic: false, 'y');
    public static readonly TurkishSuffix Reported = new("mış miş muş müş", true, 'y');
    public static readonly TurkishSuffix While = new("ken", isHarmonic: false, 'y');

    public static readonly TurkishSuffix Past = new(
        "tım tim tum tüm dım dim dum düm tın tin tun tün dın din dun dün tık tik tuk tük dık dik duk dük tı ti tu tü dı di du dü", true, 'y');

    public Endings Forms { get; } = new(forms);

    public bool IsHarmonic => isHarmonic;

    /// <summary>The letter that may join the suffix to the stem; U for any high vowel, '\0' for none.</summary>
    public char Optional => optional;
}
