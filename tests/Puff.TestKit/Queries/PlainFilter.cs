using System.Text.RegularExpressions;
using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.TestKit.Queries;

/// <summary>
/// Every filter operator as turbopuffer-api 4.4 words it, document by document, with its own rule for null each: the truth for whatever the engine does with
/// columns, indexes and tails. Nothing is derived from another operator, and nothing is shared with the engine but the request's own types.
/// </summary>
/// <param name="row">The value of an attribute, or of the id.</param>
internal sealed class PlainFilter(Func<string, Value> row)
{
    public bool Matches(Filter filter) => filter switch
    {
        AndFilter and => and.Operands.All(Matches),
        OrFilter or => or.Operands.Any(Matches),
        NotFilter not => !Matches(not.Operand),
        AttributeFilter attribute => Matches(attribute, row(attribute.Attribute), attribute.Operand.Value),
        _ => throw new NotSupportedException(filter.GetType().Name),
    };

    private static bool Matches(AttributeFilter filter, Value value, Value operand) => filter.Operator switch
    {
        FilterOperator.Eq => PlainValues.AreEqual(value, operand),
        FilterOperator.NotEq => !PlainValues.AreEqual(value, operand),
        FilterOperator.In => !value.IsNull && Parts(value).Any(v => PlainValues.Elements(operand).Any(o => PlainValues.AreEqual(v, o))),
        FilterOperator.NotIn => value.IsNull || !Parts(value).Any(v => PlainValues.Elements(operand).Any(o => PlainValues.AreEqual(v, o))),
        FilterOperator.Contains => PlainValues.Elements(value).Any(e => PlainValues.AreEqual(e, operand)),
        FilterOperator.NotContains => PlainValues.Elements(value).All(e => !PlainValues.AreEqual(e, operand)),
        FilterOperator.ContainsAny => PlainValues.Elements(operand).Any(o => PlainValues.Elements(value).Any(e => PlainValues.AreEqual(e, o))),
        FilterOperator.NotContainsAny => PlainValues.Elements(operand).All(o => PlainValues.Elements(value).All(e => !PlainValues.AreEqual(e, o))),

        // Null sorts below everything, also below itself when the comparison is strict.
        FilterOperator.Lt => PlainValues.Compare(value, operand) < 0,
        FilterOperator.Lte => PlainValues.Compare(value, operand) <= 0,
        FilterOperator.Gt => PlainValues.Compare(value, operand) > 0,
        FilterOperator.Gte => PlainValues.Compare(value, operand) >= 0,
        FilterOperator.AnyLt => PlainValues.Elements(value).Any(e => PlainValues.Compare(e, operand) < 0),
        FilterOperator.AnyLte => PlainValues.Elements(value).Any(e => PlainValues.Compare(e, operand) <= 0),
        FilterOperator.AnyGt => PlainValues.Elements(value).Any(e => PlainValues.Compare(e, operand) > 0),
        FilterOperator.AnyGte => PlainValues.Elements(value).Any(e => PlainValues.Compare(e, operand) >= 0),
        FilterOperator.Glob => Texts(value).Any(t => Glob(operand.AsString, t)),
        FilterOperator.NotGlob => Texts(value).All(t => !Glob(operand.AsString, t)),
        FilterOperator.IGlob => Texts(value).Any(t => Glob(Lower(operand.AsString), Lower(t))),
        FilterOperator.NotIGlob => Texts(value).All(t => !Glob(Lower(operand.AsString), Lower(t))),
        FilterOperator.Regex => Texts(value).Any(t => Regex.IsMatch(t, operand.AsString, RegexOptions.CultureInvariant)),
        FilterOperator.Fuzzy => Fuzzy(filter.Fuzzy!, operand.AsString) is { } distance
            && Texts(value).Any(t => filter.Fuzzy!.CaseSensitive ? IsNear(operand.AsString, t, distance) : IsNear(Lower(operand.AsString), Lower(t), distance)),
        FilterOperator.ContainsAllTokens => HasTokens(filter, value, (words, tokens, isHit) => words.All(w => tokens.Any(t => isHit(w, t)))),
        FilterOperator.ContainsAnyToken => HasTokens(filter, value, (words, tokens, isHit) => words.Any(w => tokens.Any(t => isHit(w, t)))),
        FilterOperator.ContainsTokenSequence => HasTokens(
            filter, value, (words, tokens, isHit) => Enumerable.Range(0, tokens.Length + 1).Any(
                start => words.Select((w, i) => start + i < tokens.Length && isHit(w, tokens[start + i])).All(hit => hit))),
        _ => throw new NotSupportedException(filter.Operator.ToString()),
    };

    /// <summary>An array's elements, or the value itself.</summary>
    private static IEnumerable<Value> Parts(Value value) => value.IsArray ? PlainValues.Elements(value) : [value];

    private static IEnumerable<string> Texts(Value value) => value.IsNull ? [] : Parts(value).Select(v => v.AsString);

    private static string Lower(string text) => text.ToLowerInvariant();

    /// <summary>Backtracking over the pattern's first item, which the short patterns of tests can afford.</summary>
    private static bool Glob(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        if (pattern.IsEmpty)
        {
            return text.IsEmpty;
        }

        switch (pattern[0])
        {
            case '*':
                return Glob(pattern[1..], text) || (!text.IsEmpty && Glob(pattern, text[1..]));
            case '?':
                return !text.IsEmpty && Glob(pattern[1..], text[1..]);
            case '{':
                int close = pattern.IndexOf('}');
                string rest = pattern[(close + 1)..].ToString(), whole = text.ToString();
                return pattern[1..close].ToString().Split(',').Any(choice => Glob(choice + rest, whole));
            case '[':
                int end = pattern.IndexOf(']');
                bool isNegated = pattern[1] == '!';
                return !text.IsEmpty && pattern[(isNegated ? 2 : 1)..end].Contains(text[0]) != isNegated && Glob(pattern[(end + 1)..], text[1..]);
            default:
                return !text.IsEmpty && text[0] == pattern[0] && Glob(pattern[1..], text[1..]);
        }
    }

    /// <summary>The distance of the entry with the largest threshold that the query reaches; null below all.</summary>
    private static int? Fuzzy(FuzzyOptions options, string query) =>
        options.MaxEditDistance.Where(e => e.MinQueryChars <= query.Length).OrderBy(e => e.MinQueryChars).Select(e => (int?)e.Distance).LastOrDefault();

    /// <summary>Whether some substring is that near, by the definition: all substrings, the whole matrix for each.</summary>
    private static bool IsNear(string query, string text, int distance)
    {
        for (int start = 0; start <= text.Length; start++)
        {
            for (int end = start; end <= text.Length; end++)
            {
                if (Math.Abs(end - start - query.Length) <= distance && Levenshtein(query, text[start..end]) <= distance)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static int Levenshtein(string left, string right)
    {
        var cost = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                cost[i, j] = i == 0 ? j : j == 0 ? i
                    : Math.Min(cost[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1), 1 + Math.Min(cost[i - 1, j], cost[i, j - 1]));
            }
        }

        return cost[left.Length, right.Length];
    }

    private static bool HasTokens(AttributeFilter filter, Value value, Func<string[], string[], Func<string, string, bool>, bool> test)
    {
        if (value.IsNull)
        {
            return false;
        }

        string[] words = PlainText.Tokens(filter.Operand.Value);
        string? prefix = filter.LastAsPrefix && words.Length > 0 ? words[^1] : null;
        if (prefix is not null)
        {
            // Marked, so that the same word before it stays a whole word.
            words[^1] = "\0";
        }

        return test(words, PlainText.Tokens(value), (word, token) => word == "\0" ? token.StartsWith(prefix!, StringComparison.Ordinal) : word == token);
    }
}
