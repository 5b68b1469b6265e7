using System.Globalization;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Workloads.Filters;

/// <summary>Documents with attributes of every cardinality, from a seed: each document is a function of its number.</summary>
internal sealed class FilterData(int documents, int seed)
{
    private static readonly string[] Colours = ["red", "orange", "yellow", "green", "blue", "indigo", "violet", "black", "white", "grey", "brown", "pink"];

    public int Documents { get; } = documents;

    public static SchemaUpdate Schema { get; } = new(
    [
        new AttributeUpdate("bucket") { Type = "int" },
        new AttributeUpdate("serial") { Type = "int" },
        new AttributeUpdate("price") { Type = "float" },
        new AttributeUpdate("flag") { Type = "bool" },
        new AttributeUpdate("colour") { Type = "string" },
        new AttributeUpdate("name") { Type = "string", Filterable = true, Glob = true, Regex = true },
        new AttributeUpdate("tags") { Type = "[]string" },
    ]);

    public DocumentRow Row(int document)
    {
        ulong state = Mix((ulong)document * 0x9E3779B97F4A7C15 + (ulong)seed);
        int bucket = Next(ref state, 1_000);

        // Different numbers in no order: an odd factor is a permutation of the residues of a power of two.
        long serial = (document * 2_654_435_761L) & 0xFFF_FFFF;
        double price = Next(ref state, 1_000_000) / 100.0;
        bool flag = Next(ref state, 2) == 0;
        string colour = Colours[Next(ref state, Colours.Length)];
        string name = string.Create(CultureInfo.InvariantCulture, $"{Word(ref state)}-{Word(ref state)}-{Next(ref state, 10_000)}");
        int tags = Next(ref state, 4);
        var words = new byte[tags][];
        for (int i = 0; i < tags; i++)
        {
            words[i] = System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"tag {Next(ref state, 1_000)}"));
        }

        List<KeyValuePair<string, Value>> values =
        [
            new("bucket", Value.Int(bucket)), new("serial", Value.Int(serial)), new("flag", Value.Bool(flag)), new("colour", Value.String(colour)),
            new("name", Value.String(name)), new("tags", Value.StringArray(words)),
        ];
        if (Next(ref state, 10) > 0)
        {
            values.Add(new("price", Value.Float(price)));
        }

        return new DocumentRow(Value.Int(document), values);
    }

    private static string Word(ref ulong state)
    {
        const string Consonants = "bdfgklmnprstvz";
        const string Vowels = "aeiou";
        var letters = new char[4 + 2 * Next(ref state, 2)];
        for (int i = 0; i < letters.Length; i++)
        {
            letters[i] = (i & 1) == 0 ? Consonants[Next(ref state, Consonants.Length)] : Vowels[Next(ref state, Vowels.Length)];
        }

        return new string(letters);
    }

    private static int Next(ref ulong state, int end)
    {
        state = Mix(state + 0x9E3779B97F4A7C15);
        return (int)(state % (ulong)end);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }
}
