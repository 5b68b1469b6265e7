using System.Text;
using Puff.Engine;
using Puff.Engine.Schema;
using Puff.Server.Turbopuffer;
using Xunit;

namespace Puff.Server.Tests.Turbopuffer;

/// <summary>
/// Damaged bodies: whatever is cut off, flipped or mixed in, the parsers answer with PuffException of kind Invalid or Malformed, or accept. Anything else would
/// be a 500 on the wire.
/// </summary>
public class ParserFuzzTests
{
    private static readonly NamespaceSchema Known = new(
        IdKind.UInt, DistanceMetric.CosineDistance, [new AttributeDefinition(1, "v", new AttributeType(TypeKind.VectorF32, 3))]);

    private static readonly string[] Tokens =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "-1", "1.5", "1e999", "18446744073709551616", "\"\"", "\"id\"", "\"a\"", "\"And\"",
        "\"Not\"", "\"Eq\"", "\"In\"", "\"Sum\"", "\"Max\"", "\"Product\"", "\"BM25\"", "\"ANN\"", "\"vector\"", "\"AACAPw==\"", "\"$ref_new\"",
        "\"\\ud800\"", "\"asc\"", "\"Dist\"", "\"Attribute\"", "\"Highlight\"",
    ];

    private static readonly string[] Writes =
    [
        """
        {"upsert_rows":[{"id":1,"v":[0.5,-1e-3,2],"t":"a\u00e9\n","tags":["x","y"],"n":null},
        {"id":"s","v":"AACAPwAAAEAAAEBA","m":[[1,2],[3,4]],"s":{"a":1}}],
        "schema":{"t":{"type":"string","full_text_search":{"k1":1.2}},"m":"[][2]f32"}}
        """,
        """
        {"upsert_columns":{"id":[1,2],"vector":[1,2,3,4],"a":[1,null]},"patch_columns":{"id":[7],"b":[[1,2]]},
        "deletes":[1,"x"],"encryption":{"mode":"default"}}
        """,
        """
        {"upsert_condition":["Or",[["a","Lt",{"$ref_new":"a"}],["Not",["id","Eq",null]]]],"delete_by_filter":["a","In",[1,2.5]],
        "patch_by_filter":{"filters":["a","Fuzzy","x",{"max_edit_distance":[{"min_query_chars":6,"distance":1}]}],"patch":{"a":1}},"sharding":{"num_shards":3}}
        """,
    ];

    private static readonly string[] Queries =
    [
        """
        {"rank_by":["v","ANN",[0.1,0.2]],"limit":{"total":5,"per":{"attributes":["a"],"limit":1}},
        "filters":["And",[["a","Eq",1],["b","ContainsAny",["x"]]]],"include_attributes":["a"],"consistency":{"level":"strong"}}
        """,
        """
        {"rank_by":["Sum",[["t","BM25","x",{"last_as_prefix":true}],["Product",2,["Max",[0,["Attribute","c"]]]],
        ["Decay",["Dist",["Attribute","d"],"2026"],{"midpoint":"6h"}],["s","SparseKNN",{"a":1}]]],
        "compute_attributes":{"d":["v","VectorDist","AACAPw=="],"h":["Highlight","t",{"fragment_by":"word"}]}}
        """,
        """
        {"queries":[{"rank_by":[["a","asc"],["id","desc"]],"top_k":3},
        {"aggregate_by":{"n":["Count"],"s":["Sum","x"]},"group_by":["c",{"t":["ForEachUnique","tags"]}]}],
        "rerank_by":["RRF",{"weights":[1,2]}],"vector_encoding":"base64"}
        """,
    ];

    private const string Schema =
        """
        {"a":{"type":"string","full_text_search":{"k1":1.2,"language":"english"},"filterable":true},
        "v":{"type":"[2]f32","ann":{"distance_metric":"cosine_distance"}}}
        """;

    [Fact]
    public void Every_truncation_is_refused_as_malformed_json()
    {
        foreach (var (text, parse) in Seeds())
        {
            byte[] body = Encoding.UTF8.GetBytes(text);
            parse(body);
            for (int length = 0; length < body.Length; length++)
            {
                var error = Assert.Throws<PuffException>(() => parse(body.AsSpan(0, length).ToArray()));
                Assert.Equal(ErrorKind.Invalid, error.Kind);
            }
        }
    }

    [Fact]
    public void Every_flipped_bit_is_survived()
    {
        foreach (var (text, parse) in Seeds())
        {
            byte[] body = Encoding.UTF8.GetBytes(text);
            for (int bit = 0; bit < body.Length * 8; bit++)
            {
                body[bit / 8] ^= (byte)(1 << (bit % 8));
                Survives(parse, body);
                body[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }

    [Fact]
    public void Tokens_may_be_replaced_removed_repeated_or_mixed_in()
    {
        var random = new Random(2026);
        int accepted = 0;
        int malformed = 0;
        foreach (var (text, parse) in Seeds())
        {
            List<string> tokens = [.. Split(text)];
            for (int round = 0; round < 4_000; round++)
            {
                var mutated = new List<string>(tokens);
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    Mutate(mutated, random);
                }

                switch (Survives(parse, Encoding.UTF8.GetBytes(string.Concat(mutated))))
                {
                    case null:
                        accepted++;
                        break;
                    case ErrorKind.Malformed:
                        malformed++;
                        break;
                }
            }
        }

        // The mutations must reach behind the JSON reader, or this test proves nothing.
        Assert.True(accepted > 100 && malformed > 300, $"accepted {accepted}, malformed {malformed}");
    }

    [Fact]
    public void Random_token_soup_is_survived()
    {
        var random = new Random(7);
        foreach (var (_, parse) in Seeds())
        {
            for (int round = 0; round < 2_000; round++)
            {
                string soup = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => Tokens[random.Next(Tokens.Length)]));
                Survives(parse, Encoding.UTF8.GetBytes(soup));
            }
        }
    }

    private static IEnumerable<(string Text, Action<byte[]> Parse)> Seeds()
    {
        foreach (string write in Writes)
        {
            yield return (write, body => WriteParser.Parse(body, null));
            yield return (write, body => WriteParser.Parse(body, Known));
        }

        foreach (string query in Queries)
        {
            yield return (query, body => QueryParser.Parse(body));
        }

        yield return (Schema, body => SchemaParser.Parse(body));
        yield return ("""{"pinning":{"replicas":2},"read_only":true}""", body => MetadataPatchParser.Parse(body));
    }

    private static ErrorKind? Survives(Action<byte[]> parse, byte[] body)
    {
        var error = Record.Exception(() => parse(body));
        var kind = (error as PuffException)?.Kind;
        Assert.True(error is null || kind is ErrorKind.Invalid or ErrorKind.Malformed, $"{Encoding.UTF8.GetString(body)}\n{error}");
        return kind;
    }

    private static void Mutate(List<string> tokens, Random random)
    {
        int at = random.Next(tokens.Count);
        int from = random.Next(tokens.Count);
        switch (random.Next(5))
        {
            case 0:
                tokens[at] = Tokens[random.Next(6, Tokens.Length)];
                break;
            case 1:
                tokens.RemoveAt(at);
                break;
            case 2:
                tokens.Insert(at, tokens[from]);
                break;
            case 3:
                tokens.Insert(at, Tokens[random.Next(Tokens.Length)]);
                break;
            default:
                (tokens[at], tokens[from]) = (tokens[from], tokens[at]);
                break;
        }
    }

    /// <summary>Punctuation, strings and literals; together they are the text again.</summary>
    private static IEnumerable<string> Split(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = start + 1;
            if (text[start] == '"')
            {
                while (text[end] != '"')
                {
                    end += text[end] == '\\' ? 2 : 1;
                }

                end++;
            }
            else if (!"{}[],:".Contains(text[start]))
            {
                while (end < text.Length && !"{}[],:\"".Contains(text[end]))
                {
                    end++;
                }
            }

            yield return text[start..end];
            start = end;
        }
    }
}
