using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Segments;

/// <summary>Binds the token operators of filters (turbopuffer-api 4.4).</summary>
internal sealed class TokenPredicates : ITokenPredicates
{
    /// <summary>Characters of an operand, as of a BM25 query.</summary>
    public const int MaxCharacters = 8_192;

    public static TokenPredicates Instance { get; } = new();

    public Predicate Bind(AttributeDefinition attribute, AttributeFilter filter, in Value operand)
    {
        var query = Parse(attribute, filter, operand);
        var how = filter.Operator switch
        {
            FilterOperator.ContainsAllTokens => TokenOperator.All,
            FilterOperator.ContainsAnyToken => TokenOperator.Any,
            _ => TokenOperator.Sequence,
        };
        return new TokenPredicate(attribute, query, new TokenMatcher(query, how));
    }

    private static TextQuery Parse(AttributeDefinition attribute, AttributeFilter filter, in Value operand)
    {
        switch (operand.Kind)
        {
            case ValueKind.EmptyArray:
                return TextQuery.Of([], filter.LastAsPrefix);
            case ValueKind.StringArray:
                CheckLength(attribute, filter, operand.AsBytesArray.Sum(t => (long)System.Text.Encoding.UTF8.GetCharCount(t)));
                return TextQuery.Of(operand.AsBytesArray, filter.LastAsPrefix);
            case ValueKind.String when attribute.FullText!.Tokenizer != FullTextDeclaration.PreTokenized:
                CheckLength(attribute, filter, operand.AsString.Length);
                return TextQuery.Parse(attribute.FullText!, operand.AsString, filter.LastAsPrefix);
            default:
                string expected = attribute.FullText!.Tokenizer == FullTextDeclaration.PreTokenized ? "[]string" : "string or []string";
                throw FilterErrors.Mismatch(attribute.Name, filter.Operator, expected, operand);
        }
    }

    private static void CheckLength(AttributeDefinition attribute, AttributeFilter filter, long characters)
    {
        if (characters > MaxCharacters)
        {
            throw FilterErrors.Invalid(attribute.Name, $"{filter.Operator} takes at most {MaxCharacters} characters; these are {characters}");
        }
    }
}

/// <summary>The text of an attribute has certain words. Segments answer from their index, single documents are analysed.</summary>
internal sealed class TokenPredicate(AttributeDefinition attribute, TextQuery query, TokenMatcher matcher) : Predicate
{
    [ThreadStatic]
    private static TokenBuffer? buffer;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var tokens = buffer ??= new TokenBuffer();
        return TextReading.ReadValue(TextAnalyzer.For(attribute.FullText!), document.Get(attribute), tokens) && matcher.Matches(tokens);
    }

    public override FilterCost CostOf(IColumnSource columns) => FilterCost.IndexedPattern;

    public override void Plan(IColumnSource columns, IReadBatch batch)
    {
        if (columns is ITextColumns texts)
        {
            texts.GetText(attribute).Plan(query, batch);
        }
    }

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation) => plan.AddText(attribute);

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        if (columns is not ITextColumns texts)
        {
            throw PuffException.Internal($"a {columns.GetType().Name} has no texts to search \"{attribute.Name}\" in");
        }

        var source = texts.GetText(attribute);
        if (query.Prefix is { } prefix)
        {
            var batch = new ReadBatch();
            source.PlanPrefixLists(prefix, batch);
            batch.Run();
        }

        try
        {
            matcher.Evaluate(source.Index, result, cancellation);
        }
        catch (CorruptDataException damage)
        {
            throw source.Damaged(damage);
        }
    }
}

/// <summary>Columns whose texts are indexed.</summary>
internal interface ITextColumns : IColumnSource
{
    TextSource GetText(AttributeDefinition attribute);
}
