namespace Puff.Engine.Text;

/// <summary>
/// Modern Greek (Ntais; Saroukos): letters lose case and accents, then a long list of endings is cut, each of which leaves something behind certain stems.
/// The inflections cut last (group Inflections) go only if no earlier rule applied.
/// </summary>
internal sealed class GreekStemmer : Stemmer
{
    private const string Vowels = "α ε η ι ο υ ω";
    private const string VowelsWithoutUpsilon = "α ε η ι ο ω";
    private const string Accented = "ΆΈΉΊΌΎΏΪΫάέήίόύώΐΰϊϋς";
    private const string Plain = "αεηιουωιυαεηιουωηυηυσ";

    private static readonly Endings Irregular = new(
        "φαγια φαγιου φαγιων",
        "σκαγια σκαγιου σκαγιων",
        "ολογιου ολογια ολογιων",
        "σογιου σογια σογιων",
        "τατογια τατογιου τατογιων",
        "κρεασ κρεατοσ κρεατα κρεατων",
        "περασ περατοσ περατη περατα περατων",
        "τερασ τερατοσ τερατα τερατων",
        "φωσ φωτοσ φωτα φωτων",
        "καθεστωσ καθεστωτοσ καθεστωτα καθεστωτων",
        "γεγονοσ γεγονοτοσ γεγονοτα γεγονοτων");

    private static readonly string[] IrregularStems = ["φα", "σκα", "ολο", "σο", "τατο", "κρε", "περ", "τερ", "φω", "καθεστ", "γεγον"];

    private static readonly Rule Iza = new(
        "ιζα ιζεσ ιζε ιζαμε ιζατε ιζαν ιζανε ιζω ιζεισ ιζει ιζουμε ιζετε ιζουν ιζουνε",
        Whole("ι", "αναμπα εμπα επα ξαναπα πα περιπα αθρο συναθρο δανε"),
        Whole("ιζ", "μαρκ κορν αμπαρ αρρ βαθυρι βαρκ β βολβορ γκρ γλυκορ γλυκυρ ιμπ λ λου μαρ μ πρ μπρ πολυρ π ρ πιπερορ"));

    private static readonly Rule Othika = new(
        "ωθηκα ωθηκεσ ωθηκε ωθηκαμε ωθηκατε ωθηκαν ωθηκανε",
        Whole("ων", "αλ βι εν υψ λι ζω σ χ"));

    private static readonly Rule Isa = new(
        "ισα ισεσ ισε ισαμε ισατε ισαν ισανε",
        Whole("ι", "αναμπα αθρο εμπα εσε εσωκλε επα ξαναπα επε περιπα συναθρο δανε κλε χαρτοπα εξαρχα μετεπε αποκλε απεκλε εκλε πε"),
        Whole("ισ", "αν αφ γε γιγαντοαφ γκε δημοκρατ κομ γκ μ π πουκαμ ολο λαρ"));

    private static readonly Rule Iso = new(
        "ισω ισεισ ισει ισουμε ισετε ισουν ισουνε",
        Whole("ι", "αναμπα εμπα εσε εσωκλε επα ξαναπα επε περιπα αθρο συναθρο δανε κλε χαρτοπα εξαρχα μετεπε αποκλε απεκλε εκλε πε"));

    private static readonly Rule Istos = new(
        "ιστοσ ιστου ιστο ιστε ιστοι ιστων ιστουσ ιστη ιστησ ιστα ιστεσ",
        Whole("ι", "δανε συναθρο κλε σε εσωκλε ασε πλε"),
        Whole("ιστ", "μ π απ αρ ηδ κτ σκ σχ υψ φα χρ χτ ακτ αορ ασχ ατα αχν αχτ γεμ γυρ εμπ ευπ εχθ ηφα καθ κακ κυλ λυγ μακ μεγ ταχ φιλ χωρ"));

    private static readonly Rule Ismo = new(
        "ισμο ισμοι ισμοσ ισμου ισμουσ ισμων",
        Whole("ισμ", "σε μετασε μικροσε εγκλε αποκλε"),
        Whole("ι", "δανε αντιδανε"));

    private static readonly Rule Araki = new("αρακι αρακια ουδακι ουδακια", Whole("αρακ", "σ χ"));

    private static readonly Rule Aki = new(
        "ακι ακια ιτσα ιτσασ ιτσεσ ιτσων αρακι αρακια",
        Whole("ακ", "βαμβ βρ καιμ κον κορ λαβρ λουλ μερ μουστ ναγκασ πλ ρ ρυ σ σκ σοκ σπαν τζ φαρμ χ καπακ αλισφ αμβρ ανθρ κ φυλ κατραπ κλιμ μαλ σλοβ φ σφ " +
        "τσεχοσλοβ"),
        Whole("ιτσ", "β βαλ γιαν γλ ζ ηγουμεν καρδ μακρυν νυφ πατερ π τοσ τριπολ"),
        After("ιτσ", "κορ"));

    private static readonly Rule Idio = new("ιδιο ιδια ιδιων", Whole("ιδ", "αιφν ιρ ολο ψαλ"), After("ιδ", "ε παιχν"));

    private static readonly Rule Iskos = new("ισκοσ ισκου ισκο ισκε", Whole("ισκ", "δ ιβ μην ρ φραγκ λυκ οβελ"));

    private static readonly Rule Ades = new(true, "αδεσ αδων", NotAfter("αδ", "οκ μαμ μαν μπαμπ πατερ γιαγι νταντ κυρ θει πεθερ"));

    private static readonly Rule Edes = new(true, "εδεσ εδων", After("εδ", "οπ ιπ εμπ υπ γηπ δαπ κρασπ μιλ"));

    private static readonly Rule Oudes = new(true, 
        "ουδεσ ουδων",
        After("ουδ", "αρκ καλιακ πεταλ λιχ πλεξ σκ σ φλ φρ βελ λουλ χν σπ τραγ φε"));

    private static readonly Rule Eos = new("εωσ εων", Whole("ε", "θ δ ελ γαλ ν π ιδ παρ"));

    private static readonly Rule Ia = new("ια ιου ιων", After("ι", Vowels));

    private static readonly Rule Ika = new(
        "ικα ικο ικου ικων",
        After("ικ", Vowels),
        Whole("ικ", "αλ αδ ενδ αμαν αμμοχαλ ηθ ανηθ αντιδ φυσ βρωμ γερ εξωδ καλπ καλλιν καταδ μουλ μπαν μπαγιατ μπολ μποσ νιτ ξικ συνομηλ πετσ πιτσ " +
        "πικαντ πλιατσ " +
        "ποστελν πρωτοδ σερτ συναδ τσαμ υποδ φιλον φυλοδ χασ"));

    private static readonly Rule Agame = new("αγαμε ησαμε ουσαμε ηκαμε ηθηκαμε");

    private static readonly Rule Ame = new("αμε", Whole("αμ", "αναπ αποθ αποκ αποστ βουβ ξεθ ουλ πεθ πικρ ποτ σιχ χ"));

    private static readonly Rule Agane = new(
        "αγανε ησανε ουσανε ιοντανε ιοτανε ιουντανε οντανε οτανε ουντανε ηκανε ηθηκανε",
        Whole("αγαν", "τρ τσ"));

    private static readonly Rule Ane = new(
        "ανε",
        After("αν", VowelsWithoutUpsilon),
        Whole("αν", "βετερ βουλκ βραχμ γ δραδουμ θ καλπουζ καστελ κορμορ λαοπλ μωαμεθ μ μουσουλμ ν ουλ π πελεκ πλ πολισ πορτολ σαρακατσ σουλτ τσαρλατ " +
        "ορφ τσιγγ " +
        "τσοπ φωτοστεφ χ ψυχοπλ αγ γαλ γερ δεκ διπλ αμερικαν ουρ πιθ πουριτ σ ζωντ ικ καστ κοπ λιχ λουθηρ μαιντ μελ σιγ σπ στεγ τραγ τσαγ φ ερ αδαπ " +
        "αθιγγ αμηχ ανικ ανοργ απηγ απιθ ατσιγγ βασ βασκ βαθυγαλ βιομηχ βραχυκ διατ διαφ ενοργ θυσ καπνοβιομηχ καταγαλ κλιβ κοιλαρφ λιβ μεγλοβιομηχ " +
        "μικροβιομηχ νταβ ξηροκλιβ ολιγοδαμ ολογαλ πενταρφ περηφ περιτρ πλατ πολυδαπ πολυμηχ στεφ ταβ τετ υπερηφ υποκοπ χαμηλοδαπ ψηλοταβ"));

    private static readonly Rule Isete = new("ησετε");

    private static readonly Rule Ete = new(
        "ετε",
        After("ετ", VowelsWithoutUpsilon),
        After("ετ", "οδ αιρ φορ ταθ διαθ σχ ενδ ευρ τιθ υπερθ ραθ ενθ ροθ σθ πυρ αιν συνδ συν συνθ χωρ πον βρ καθ ευθ εκθ νετ ρον αρκ βαρ βολ ωφελ"),
        Whole("ετ", "αβαρ βεν εναρ αβρ αδ αθ αν απλ βαρον ντρ σκ κοπ μπορ νιφ παγ παρακαλ σερπ σκελ συρφ τοκ υ δ εμ θαρρ θ"));

    private static readonly Rule Ontas = new("οντασ ωντασ", Whole("οντ", "αρχ"), After("ωντ", "κρε"));

    private static readonly Rule Omaste = new("ομαστε ιομαστε", Whole("ομαστ", "ον"));

    private static readonly Rule Ieste = new("ιεστε", Whole("ιεστ", "π απ συμπ ασυμπ ακαταπ αμεταμφ"));

    private static readonly Rule Este = new("εστε", Whole("ιεστ", "αλ αρ εκτελ ζ μ ξ παρακαλ προ νισ"));

    private static readonly Rule Ithika = new("ηθηκα ηθηκεσ ηθηκε");

    private static readonly Rule EtaKa = new(
        "ηκα ηκεσ ηκε",
        After("ηκ", "σκωλ σκουλ ναρθ σφ οθ πιθ"),
        Whole("ηκ", "διαθ θ παρακαταθ προσθ συνθ"));

    private static readonly Rule Ousa = new(
        "ουσα ουσεσ ουσε",
        After("ουσ", "ποδαρ βλεπ πανταχ φρυδ μαντιλ μαλλ κυματ λαχ ληγ φαγ ομ πρωτ"),
        Whole("ουσ", "φαρμακ χαδ αγκ αναρρ βρομ εκλιπ λαμπιδ λεχ μ πατ ρ λ μεδ μεσαζ υποτειν αμ αιθ ανηκ δεσποζ ενδιαφερ δε δευτερευ καθαρευ πλε τσα"));

    private static readonly Rule Ise = new("ησε ησου ησα", Whole("ησ", "ν χερσον δωδεκαν ερημον μεγαλον επταν"));

    private static readonly Rule Aga = new(
        "αγα αγεσ αγε",
        After("αγ", "κολλ"),
        After("", "ψοφ ναυλοχ"),
        After("αγ", "οφ πελ χορτ λλ σφ ρπ φρ πρ λοχ σμην"),
        Whole("αγ", "αβαστ πολυφ αδηφ παμφ ρ ασπ αφ αμαλ αμαλλι ανυστ απερ ασπαρ αχαρ δερβεν δροσοπ ξεφ νεοπ νομοτ ολοπ ομοτ προστ προσωποπ συμπ συντ " +
        "τ υποτ χαρ " +
        "αειπ αιμοστ ανυπ αποτ αρτιπ διατ εν επιτ κροκαλοπ σιδηροπ λ ναυ ουλαμ ουρ π τρ μ"));

    private static readonly Rule Iste = new("ηστε", Whole("ηστ", "ασβ σβ αχρ χρ απλ αειμν δυσχρ ευχρ κοινοχρ παλιμψ"));

    private static readonly Rule Oune = new("ουνε ησουνε ηθουνε", Whole("ουν", "ν ρ σπι στραβομουτσ κακομουτσ εξων"));

    private static readonly Rule Oume = new("ουμε ησουμε ηθουμε", Whole("ουμ", "παρασουσ φ χ ωριοπλ αζ αλλοσουσ ασουσ"));

    private static readonly Endings Origins = new("αγνωστικ ατομικ γνωστικ εθνικ εκλεκτικ σκεπτικ τοπικ αλεξανδριν βυζαντιν θεατριν");
    private static readonly Endings Neuters = new("ματα ματων ματοσ");

    private static readonly Endings Inflections = new(
        "α αγατε αγαν αει αμαι αν ασ ασαι αται αω ε ει εισ ειτε εσαι εσ εται ι ιεμαι ιεμαστε ιεται ιεσαι ιεσαστε ιομασταν ιομουν ιομουνα ιονταν " +
        "ιοντουσαν ιοσασταν ιοσαστε ιοσουν ιοσουνα ιοταν ιουμα ιουμαστε ιουνται ιουνταν η ηδεσ ηδων ηθει ηθεισ ηθειτε ηθηκατε ηθηκαν ηθουν ηθω ηκατε " +
        "ηκαν ησ ησαν ησατε ησει ησεσ ησουν ησω ο οι ομαι ομασταν ομουν ομουνα ονται ονταν οντουσαν οσ οσασταν οσαστε οσουν οσουνα οταν ου ουμαι " +
        "ουμαστε ουν ουνται ουνταν ουσ ουσαν ουσατε υ υσ ω ων");

    private static readonly Endings Degrees = new("εστερ εστατ οτερ οτατ υτερ υτατ ωτερ ωτατ");

    private static readonly Rule[] RulesBeforeAme =
        [Iza, Othika, Isa, Iso, Istos, Ismo, Araki, Aki, Idio, Iskos, Ades, Edes, Oudes, Eos, Ia, Ika];

    private static readonly Rule[] RulesFromAme =
        [Agame, Ame, Agane, Ane, Isete, Ete, Ontas, Omaste, Ieste, Este, Ithika, EtaKa, Ousa, Ise, Aga, Iste, Oune, Oume];

    public override void Stem(StemWord word)
    {
        RemoveAccents(word);
        if (word.Length < 3)
        {
            return;
        }

        bool keepsInflection = false;
        int irregular = word.Find(Irregular);
        if (irregular != 0)
        {
            word.Put(IrregularStems[irregular - 1]);
            keepsInflection = true;
        }

        foreach (var rule in RulesBeforeAme)
        {
            var outcome = rule.Apply(word);
            keepsInflection |= outcome != Outcome.Unchanged && !rule.IsLasting;
            if (rule == Ismo && outcome == Outcome.Cut && word.Find(Origins) != 0)
            {
                word.Cut(2);
            }
        }

        if (word.Text is "αγαμε")
        {
            word.Cut(1);
        }

        foreach (var rule in RulesFromAme)
        {
            keepsInflection |= rule.Apply(word) != Outcome.Unchanged;
        }

        if (word.Find(Neuters) != 0)
        {
            word.Put("μα");
        }

        if (!keepsInflection && word.Find(Inflections) != 0)
        {
            word.Cut();
        }

        if (word.Find(Degrees) != 0)
        {
            word.Cut();
        }
    }

    private static void RemoveAccents(StemWord word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            int accented = Accented.IndexOf(word[i]);
            if (accented >= 0)
            {
                word[i] = Plain[accented];
            }
            else if (word[i] is >= 'Α' and <= 'Ω')
            {
                word[i] = (char)(word[i] + ('α' - 'Α'));
            }
        }
    }

    /// <summary>Left behind if the stem is one of these words.</summary>
    private static Addition Whole(string added, string stems)
    {
        var set = stems.Split(' ').ToHashSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        return new Addition(added, stem => set.Contains(stem.Text));
    }

    /// <summary>Left behind if the stem ends so.</summary>
    private static Addition After(string added, string endings)
    {
        var list = new Endings(endings);
        return new Addition(added, stem => list.Longest(stem.Text, out _) != 0);
    }

    /// <summary>Left behind unless the stem ends so.</summary>
    private static Addition NotAfter(string added, string endings)
    {
        var list = new Endings(endings);
        return new Addition(added, stem => list.Longest(stem.Text, out _) == 0);
    }

    private enum Outcome
    {
        Unchanged,
        Cut,
        CutAndAdded,
    }

    private sealed record Addition(string Added, Func<StemWord, bool> IsDue);

    /// <summary>Cuts an ending; the first addition that is due is then left behind.</summary>
    private sealed class Rule(bool isLasting, string endings, params Addition[] additions)
    {
        private readonly Endings cut = new(endings);

        public Rule(string endings, params Addition[] additions)
            : this(false, endings, additions)
        {
        }

        /// <summary>True if inflections may still be cut after this rule.</summary>
        public bool IsLasting => isLasting;

        public Outcome Apply(StemWord word)
        {
            if (word.Find(cut) == 0)
            {
                return Outcome.Unchanged;
            }

            word.Cut();
            foreach (var addition in additions)
            {
                if (addition.IsDue(word))
                {
                    word.Append(addition.Added);
                    return Outcome.CutAndAdded;
                }
            }

            return Outcome.Cut;
        }
    }
}
