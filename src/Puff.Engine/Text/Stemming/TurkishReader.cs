namespace Puff.Engine.Text;

/// <summary>
/// Reads Turkish suffixes from the end of a word. Two places are kept: how far suffixes were read (at), and where the ones under way end (end); cutting removes
/// what lies between. Places to go back to are kept as distances from the end of the word, because what was cut in between stays cut.
/// </summary>
internal ref struct TurkishReader(StemWord word)
{
    public const string Vowels = "aeıioöuü";

    private const string HighVowels = "ıiuü";

    private int at = word.Length;
    private int end = word.Length;

    /// <returns>False if the suffixes found show that no noun suffixes can stand before them.</returns>
    public bool CutVerbSuffixes()
    {
        int start = Begin();
        if (Read(TurkishSuffix.Reported) || Read(TurkishSuffix.Past) || Read(TurkishSuffix.Conditional) || Read(TurkishSuffix.While))
        {
            return Cut();
        }

        if (Read(TurkishSuffix.AsIf) && ReadPersonAndReported())
        {
            return Cut();
        }

        Return(start);
        if (Read(TurkishSuffix.Plural))
        {
            Cut();
            _ = Read(TurkishSuffix.Is) || Read(TurkishSuffix.Past) || Read(TurkishSuffix.Conditional) || Read(TurkishSuffix.Reported);
            Cut();
            return false;
        }

        if (Read(TurkishSuffix.SecondPersonsPast) && (Read(TurkishSuffix.Past) || Read(TurkishSuffix.Conditional)))
        {
            return Cut();
        }

        Return(start);
        if (Read(TurkishSuffix.SecondPersons) || Read(TurkishSuffix.FirstPersons) || Read(TurkishSuffix.SecondPerson) || Read(TurkishSuffix.FirstPerson))
        {
            Cut();
            Read(TurkishSuffix.Reported);
        }
        else if (Read(TurkishSuffix.Is))
        {
            Cut();
            ReadPersonAndReported();
        }

        return Cut();
    }

    public void CutNounSuffixes()
    {
        int start = Begin();
        if (Read(TurkishSuffix.Plural))
        {
            Cut();
            CutChain();
            return;
        }

        if (Read(TurkishSuffix.Equative))
        {
            Cut();
            if (!CutPluralPossessive() && !CutPossessiveChain())
            {
                CutPluralChain();
            }

            return;
        }

        if ((Read(TurkishSuffix.NLocative) || Read(TurkishSuffix.NDative)) && CutBeforeLocative())
        {
            return;
        }

        BeginAt(start);
        if ((Read(TurkishSuffix.NAblative) || Read(TurkishSuffix.NAccusative)) && (CutThirdPossessive() || Read(TurkishSuffix.PluralPossessive)))
        {
            return;
        }

        BeginAt(start);
        if (Read(TurkishSuffix.Ablative))
        {
            Cut();
            CutBeforeAblative();
        }
        else if (Read(TurkishSuffix.Genitive) || Read(TurkishSuffix.Comitative))
        {
            Cut();
            _ = CutPluralChain() || CutPossessiveChain() || CutChain();
        }
        else if (!CutPluralPossessive() && !CutChain())
        {
            BeginAt(start);
            if (Read(TurkishSuffix.Locative) || Read(TurkishSuffix.Accusative) || Read(TurkishSuffix.Dative))
            {
                Cut();
                CutBeforeCase();
            }
            else
            {
                CutPossessiveChain();
            }
        }
    }

    /// <summary>The suffixes up to a final "ki", as far as they are known.</summary>
    private bool CutChain()
    {
        int start = Begin();
        if (!Read(TurkishSuffix.Ki))
        {
            return false;
        }

        if (Read(TurkishSuffix.Locative))
        {
            Cut();
            if (Read(TurkishSuffix.Plural))
            {
                Cut();
                CutChain();
            }
            else if (Read(TurkishSuffix.Possessive))
            {
                Cut();
                CutPluralChain();
            }

            return true;
        }

        if (Read(TurkishSuffix.Genitive))
        {
            Cut();
            _ = CutPluralPossessive() || CutPossessiveChain() || CutChain();
            return true;
        }

        if (Read(TurkishSuffix.NLocative) && CutBeforeLocative())
        {
            return true;
        }

        Return(start);
        return false;
    }

    private bool CutBeforeLocative()
    {
        if (Read(TurkishSuffix.PluralPossessive))
        {
            return Cut();
        }

        return CutThirdPossessive() || CutChain();
    }

    private void CutBeforeAblative()
    {
        if (Read(TurkishSuffix.Possessive))
        {
            Cut();
            CutPluralChain();
        }
        else if (Read(TurkishSuffix.Plural))
        {
            Cut();
            CutChain();
        }
        else
        {
            CutChain();
        }
    }

    private void CutBeforeCase()
    {
        if (Read(TurkishSuffix.Possessive))
        {
            Cut();
            Read(TurkishSuffix.Plural);
        }
        else if (!Read(TurkishSuffix.Plural))
        {
            return;
        }

        Cut();
        CutChain();
    }

    private bool CutThirdPossessive()
    {
        if (!Read(TurkishSuffix.ThirdPossessive))
        {
            return false;
        }

        Cut();
        CutPluralChain();
        return true;
    }

    private bool CutPossessiveChain()
    {
        Begin();
        if (!Read(TurkishSuffix.Possessive) && !Read(TurkishSuffix.ThirdPossessive))
        {
            return false;
        }

        Cut();
        CutPluralChain();
        return true;
    }

    private bool CutPluralPossessive()
    {
        Begin();
        return Read(TurkishSuffix.PluralPossessive) && Cut();
    }

    /// <summary>A plural and what stands before it up to a "ki". The plural stays cut even if there is no "ki".</summary>
    private bool CutPluralChain()
    {
        int start = Begin();
        if (Read(TurkishSuffix.Plural) && Cut() && CutChain())
        {
            return true;
        }

        Return(start);
        return false;
    }

    private bool ReadPersonAndReported()
    {
        int start = word.Length - at;
        _ = Read(TurkishSuffix.SecondPersons) || Read(TurkishSuffix.Plural) || Read(TurkishSuffix.FirstPerson) || Read(TurkishSuffix.SecondPerson)
            || Read(TurkishSuffix.FirstPersons);
        if (Read(TurkishSuffix.Reported))
        {
            return true;
        }

        Return(start);
        return false;
    }

    /// <summary>The suffixes under way end here.</summary>
    private int Begin()
    {
        end = at;
        return word.Length - at;
    }

    private void BeginAt(int start)
    {
        Return(start);
        Begin();
    }

    private void Return(int start) => at = word.Length - start;

    private bool Cut()
    {
        if (end > at)
        {
            word.Replace(at, end, "");
        }

        end = at;
        return true;
    }

    /// <summary>Goes before a suffix; stays where it is if it is not there.</summary>
    private bool Read(TurkishSuffix suffix)
    {
        if (suffix.IsHarmonic && !IsHarmonic())
        {
            return false;
        }

        int from = at;
        if (suffix.Forms.Longest(word.Text[..at], out int length) == 0)
        {
            return false;
        }

        at -= length;
        if (suffix.Optional == '\0' || ReadOptional(suffix.Optional))
        {
            return true;
        }

        at = from;
        return false;
    }

    /// <summary>The last vowel fits the vowels before it.</summary>
    private readonly bool IsHarmonic()
    {
        int last = word.Text[..at].LastIndexOfAny(Vowels);
        string partners = last < 0 ? "" : word[last] switch
        {
            'a' => "aıou",
            'e' => "eiöü",
            'ı' => "aı",
            'i' => "ei",
            'o' or 'u' => "ou",
            _ => "öü",
        };
        return last > 0 && word.Text[..last].ContainsAny(partners);
    }

    /// <summary>
    /// A joining letter is part of the suffix behind a letter of the other kind (a consonant behind a vowel). Without it, the letter before the last one
    /// must be of that kind.
    /// </summary>
    private bool ReadOptional(char optional)
    {
        bool isVowel = optional == 'U';
        if (at > 0 && (isVowel ? HighVowels.Contains(word[at - 1]) : word[at - 1] == optional))
        {
            if (!IsOfOtherKind(at - 2, isVowel))
            {
                return false;
            }

            at--;
            return true;
        }

        return IsOfOtherKind(at - 2, isVowel);
    }

    private readonly bool IsOfOtherKind(int i, bool isVowel) => i >= 0 && Vowels.Contains(word[i]) != isVowel;
}
