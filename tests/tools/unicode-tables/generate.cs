#:property PublishAot=false
#:property InvariantGlobalization=true
#:property RestorePackagesWithLockFile=false
#:property TreatWarningsAsErrors=false

// Writes the Unicode tables of src/Puff.Engine/Text (three *Data.cs files).
//   dotnet run tests/tools/unicode-tables/generate.cs -- /usr/share/unicode src/Puff.Engine/Text
// The first argument is a folder with the Unicode Character Database as Debian's package unicode-data lays it out (15.0.0).
// What Unicode 16 added is taken from the general categories and case pairs of the runtime (.NET 10: Unicode 16) by the definitions of UAX #29; see AddNewer.
using System.Globalization;
using System.Text;

string ucd = args[0];
string target = args[1];
const int CodePoints = 0x110000;
string[] wordBreaks =
[
    "Other", "CR", "LF", "Newline", "Extend", "ZWJ", "Format", "Regional_Indicator", "Katakana", "Hebrew_Letter", "ALetter",
    "Single_Quote", "Double_Quote", "MidNumLet", "MidLetter", "MidNum", "Numeric", "ExtendNumLet", "WSegSpace",
];
const byte Pictographic = 32, WordLike = 64;
const byte Alphanumeric = 1, Ideographic = 2, AlphanumericUnicode10 = 4;

var categories = Property("extracted/DerivedGeneralCategory.txt");
var scripts = Property("Scripts.txt");
var breaks = Property("auxiliary/WordBreakProperty.txt");
var ages = Property("DerivedAge.txt");
var ideographic = Binary("PropList.txt", "Ideographic");
var pictographic = Binary("emoji/emoji-data.txt", "Extended_Pictographic");
var alphabetic = Binary("DerivedCoreProperties.txt", "Alphabetic");
var lower = LowerCase();
AddNewer();

var words = new byte[CodePoints];
var characters = new byte[CodePoints];
for (int c = 0; c < CodePoints; c++)
{
    string category = categories[c] ?? "Cn";
    string wordBreak = breaks[c] ?? "Other";
    bool hasScript = scripts[c] is not (null or "Common" or "Inherited" or "Unknown");
    bool isWordLike = wordBreak is "ALetter" or "Hebrew_Letter" or "Numeric" || pictographic[c] || ideographic[c] || hasScript || category == "No";
    words[c] = (byte)(Array.IndexOf(wordBreaks, wordBreak) | (pictographic[c] ? Pictographic : 0) | (isWordLike ? WordLike : 0));
    bool isAlphanumeric = alphabetic[c] || category[0] == 'N';
    bool isOld = ages[c] is { } age && double.Parse(age, CultureInfo.InvariantCulture) <= 10;
    characters[c] = (byte)((isAlphanumeric ? Alphanumeric : 0) | (ideographic[c] ? Ideographic : 0) | (isAlphanumeric && isOld ? AlphanumericUnicode10 : 0));
}

const string Versions = "Unicode 15.0.0; what Unicode 16 added by its general category (UAX #29 definitions).";
WriteChanges("WordBreakData", "Word_Break, Extended_Pictographic and being word-like.", words);
WriteChanges("CharacterClassData", "Alphanumeric, ideographic, alphanumeric in Unicode 10.", characters);
WriteLowerCase();

// Code points that are newer than the data files. Derived as UAX #29 defines the classes; combining marks that are alphabetic cannot be told from
// the category alone, spacing ones nearly always are.
void AddNewer()
{
    var names = new Dictionary<UnicodeCategory, string>
    {
        [UnicodeCategory.UppercaseLetter] = "Lu", [UnicodeCategory.LowercaseLetter] = "Ll", [UnicodeCategory.TitlecaseLetter] = "Lt",
        [UnicodeCategory.ModifierLetter] = "Lm", [UnicodeCategory.OtherLetter] = "Lo", [UnicodeCategory.LetterNumber] = "Nl",
        [UnicodeCategory.DecimalDigitNumber] = "Nd", [UnicodeCategory.OtherNumber] = "No", [UnicodeCategory.NonSpacingMark] = "Mn",
        [UnicodeCategory.SpacingCombiningMark] = "Mc", [UnicodeCategory.EnclosingMark] = "Me", [UnicodeCategory.Format] = "Cf",
    };
    for (int c = 0; c < CodePoints; c++)
    {
        // CJK Unified Ideographs Extension J is the one large addition of Unicode 17; its block is all ideographs.
        bool isExtensionJ = c is >= 0x323B0 and <= 0x33479;
        if (categories[c] is not (null or "Cn") || !(isExtensionJ || names.ContainsKey(CharUnicodeInfo.GetUnicodeCategory(c))))
        {
            continue;
        }

        string category = isExtensionJ ? "Lo" : names[CharUnicodeInfo.GetUnicodeCategory(c)];
        categories[c] = category;
        ages[c] = "16";
        ideographic[c] = isExtensionJ || c is >= 0x31350 and <= 0x323AF;
        if (category is "Cf")
        {
            breaks[c] = "Format";
            continue;
        }

        scripts[c] = category is "No" ? null : "Newer";
        bool isEgyptianOrHan = ideographic[c];
        breaks[c] = category[0] == 'M' ? "Extend" : category == "Nd" ? "Numeric" : category == "No" || isEgyptianOrHan ? null : "ALetter";
        alphabetic[c] = category[0] == 'L' || category is "Nl" or "Mc";
        if (Rune.IsValid(c) && Rune.ToLowerInvariant(new Rune(c)).Value is var small && small != c)
        {
            lower[c] = small;
        }
    }
}

string?[] Property(string file)
{
    var values = new string?[CodePoints];
    foreach (var (first, last, fields) in Lines(file))
    {
        Array.Fill(values, fields[0], first, last - first + 1);
    }

    return values;
}

bool[] Binary(string file, string property)
{
    var values = new bool[CodePoints];
    foreach (var (first, last, fields) in Lines(file).Where(line => line.Fields[0] == property))
    {
        Array.Fill(values, true, first, last - first + 1);
    }

    return values;
}

SortedDictionary<int, int> LowerCase()
{
    var pairs = new SortedDictionary<int, int>();
    foreach (string line in File.ReadLines(Path.Combine(ucd, "UnicodeData.txt")))
    {
        string[] fields = line.Split(';');
        if (fields[13] != "")
        {
            pairs[Convert.ToInt32(fields[0], 16)] = Convert.ToInt32(fields[13], 16);
        }
    }

    return pairs;
}

IEnumerable<(int First, int Last, string[] Fields)> Lines(string file)
{
    foreach (string raw in File.ReadLines(Path.Combine(ucd, file)))
    {
        string line = raw.Split('#')[0].Trim();
        if (line != "")
        {
            string[] fields = line.Split(';', StringSplitOptions.TrimEntries);
            string[] range = fields[0].Split("..");
            yield return (Convert.ToInt32(range[0], 16), Convert.ToInt32(range[^1], 16), fields[1..]);
        }
    }
}

void WriteChanges(string name, string summary, byte[] values)
{
    var changes = new List<string>();
    for (int c = 0; c < CodePoints; c++)
    {
        if (c == 0 || values[c] != values[c - 1])
        {
            changes.Add($"0x{(uint)values[c] << 24 | (uint)c:X8}");
        }
    }

    Write(name, summary + " Each number: value &lt;&lt; 24 | first code point that has it.", "uint", "Changes", changes, 12);
}

// Runs of code points a fixed step apart with the same distance to their lower case: first, last, step, distance.
void WriteLowerCase()
{
    var runs = new List<(int First, int Last, int Step, int Distance)>();
    foreach (var (upper, small) in lower)
    {
        int distance = small - upper;
        if (runs.Count > 0 && runs[^1] is var run && run.Distance == distance && upper - run.Last is 1 or 2
            && (run.Step == 0 || run.Step == upper - run.Last))
        {
            runs[^1] = run with { Last = upper, Step = upper - run.Last };
        }
        else
        {
            runs.Add((upper, upper, 0, distance));
        }
    }

    var numbers = runs.SelectMany(run => new[] { $"0x{run.First:X}", $"0x{run.Last:X}", $"{Math.Max(1, run.Step)}", $"{run.Distance}" }).ToList();
    Write("LowerCaseData", "Simple lower-case mappings in runs: first, last, step, distance.", "int", "Runs", numbers, 16);
}

void Write(string type, string summary, string element, string member, List<string> numbers, int perLine)
{
    var text = new StringBuilder();
    text.Append("// Generated by tests/tools/unicode-tables/generate.cs from the Unicode Character Database (licence: tests/data/unicode/LICENSE.txt). Do not edit.\n");
    text.Append("namespace Puff.Engine.Text;\n\n");
    text.Append($"/// <summary>{summary}</summary>\n/// <remarks>{Versions}</remarks>\ninternal static class {type}\n{{\n    public static ReadOnlySpan<{element}> {member} =>\n    [\n");
    foreach (string[] line in numbers.Chunk(perLine))
    {
        text.Append("        ").Append(string.Join(", ", line)).Append(",\n");
    }

    text.Append("    ];\n}\n");
    File.WriteAllText(Path.Combine(target, type + ".cs"), text.ToString());
}
