using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>Checks a score expression (turbopuffer-api 4.2) and binds it.</summary>
internal readonly struct ScoreBinder
{
    private readonly NamespaceSchema schema;
    private readonly string place;

    private ScoreBinder(NamespaceSchema schema, string place)
    {
        this.schema = schema;
        this.place = place;
    }

    /// <param name="place">Where the expression was written, for messages.</param>
    public static ScoreNode Bind(NamespaceSchema schema, ScoreExpression expression, string place) =>
        new ScoreBinder(schema, place).Bind(expression, isWrapped: false);

    /// <param name="isWrapped">Something above keeps a negative attribute from becoming a negative score.</param>
    private ScoreNode Bind(ScoreExpression expression, bool isWrapped) => expression switch
    {
        SparseScore sparse => BindSparse(sparse),
        Bm25Score text => BindText(text),
        SumScore sum => BindSum(sum, isWrapped),
        MaxScore max => BindMax(max, isWrapped),
        ProductScore product => BindProduct(product, isWrapped),
        FilterScore filter => new FilterScoreNode(FilterBinder.Bind(filter.Filter, schema, allowRefNew: false, TokenPredicates.Instance)),
        AttributeScore attribute => BindAttribute(attribute, isWrapped),
        SaturateScore saturate => BindSaturate(saturate),
        DecayScore decay => BindDecay(decay),
        DistScore dist => BindDist(dist),
        ConstantScore => throw PuffException.Invalid($"{place}: a number can stand only in Product, as the weight, or in Max, as the floor"),
        _ => throw PuffException.Malformed($"{place}: unknown score expression"),
    };

    private SparseScoreNode BindSparse(SparseScore sparse)
    {
        var attribute = QueryBinder.Find(schema, sparse.Attribute, place);
        if (!attribute.Type.IsSparse)
        {
            throw PuffException.Invalid($"{place}: SparseKNN needs a sparse vector attribute ({{}}f16), and \"{attribute.Name}\" is {attribute.Type}");
        }

        if (!attribute.SparseKnn)
        {
            throw PuffException.Invalid(
                $"{place}: SparseKNN on \"{attribute.Name}\" needs \"sparse_knn\": {{\"distance_metric\": \"dot_product\"}} in its schema");
        }

        if (sparse.Query.Keys.Length > SparseVector.MaxEntries)
        {
            throw PuffException.Invalid($"{place}: a sparse query has at most {SparseVector.MaxEntries} dimensions; this one has {sparse.Query.Keys.Length}");
        }

        if (!Array.TrueForAll(sparse.Query.Weights, float.IsFinite))
        {
            throw PuffException.Invalid($"{place}: the sparse query for \"{attribute.Name}\" contains NaN or infinity");
        }

        return new SparseScoreNode(attribute, sparse.Query);
    }

    private Bm25ScoreNode BindText(Bm25Score score)
    {
        var attribute = QueryBinder.Find(schema, score.Attribute, place);
        if (attribute.FullText is not { } settings)
        {
            throw PuffException.Invalid($"{place}: BM25 needs a full-text index, and \"{attribute.Name}\" has none; declare it with full_text_search: true");
        }

        long characters = score.Text?.Length ?? score.Tokens!.Sum(t => (long)t.Length);
        if (characters > TokenPredicates.MaxCharacters)
        {
            throw PuffException.Invalid($"{place}: a BM25 query has at most {TokenPredicates.MaxCharacters} characters; this one has {characters}");
        }

        if (score.Fuzziness is < 0 or > Bm25ScoreNode.LargestFuzziness)
        {
            throw PuffException.Invalid($"{place}: the fuzziness of BM25 is 0 to {Bm25ScoreNode.LargestFuzziness}; this one is {score.Fuzziness}");
        }

        if (score.Text is null)
        {
            return new Bm25ScoreNode(attribute, TextQuery.Of(score.Tokens!.Select(System.Text.Encoding.UTF8.GetBytes), score.LastAsPrefix), score.Fuzziness);
        }

        return settings.Tokenizer == FullTextDeclaration.PreTokenized
            ? throw PuffException.Invalid($"invalid input `{score.Text}` for {place} field \"{attribute.Name}\", expecting []string")
            : new Bm25ScoreNode(attribute, TextQuery.Parse(settings, score.Text, score.LastAsPrefix), score.Fuzziness);
    }

    private SumScoreNode BindSum(SumScore sum, bool isWrapped)
    {
        if (sum.Terms.Count == 0)
        {
            throw PuffException.Invalid($"{place}: Sum has no terms");
        }

        var terms = new ScoreNode[sum.Terms.Count];
        for (int i = 0; i < terms.Length; i++)
        {
            terms[i] = Bind(sum.Terms[i], isWrapped);
        }

        return new SumScoreNode(terms);
    }

    private MaxScoreNode BindMax(MaxScore max, bool isWrapped)
    {
        double? floor = null;
        foreach (var constant in max.Terms.OfType<ConstantScore>())
        {
            if (!(constant.Value >= 0) || !double.IsFinite(constant.Value))
            {
                throw PuffException.Invalid($"{place}: the floor of a Max is {constant.Value}; it must be a number that is not negative");
            }

            floor = Math.Max(floor ?? 0, constant.Value);
        }

        var terms = new List<ScoreNode>();
        foreach (var term in max.Terms)
        {
            if (term is not ConstantScore)
            {
                terms.Add(Bind(term, isWrapped || floor is not null));
            }
        }

        return terms.Count > 0 ? new MaxScoreNode([.. terms], floor) : throw PuffException.Invalid($"{place}: Max has no terms but numbers");
    }

    private ProductScoreNode BindProduct(ProductScore product, bool isWrapped)
    {
        if (!(product.Weight >= 0) || !double.IsFinite(product.Weight))
        {
            throw PuffException.Invalid($"{place}: the weight of a Product is {product.Weight}; it must be a number that is not negative");
        }

        return new ProductScoreNode(product.Weight, Bind(product.Term, isWrapped));
    }

    private AttributeScoreNode BindAttribute(AttributeScore score, bool isWrapped)
    {
        var attribute = FindNumber(score.Attribute);
        if (!isWrapped && attribute.Type.Kind is TypeKind.Int or TypeKind.Float)
        {
            throw PuffException.Invalid($"{place}: attribute \"{attribute.Name}\" has the signed type {attribute.Type}, and a score cannot be negative; "
                + $"write [\"Max\", [0, [\"Attribute\", \"{attribute.Name}\"]]], Saturate or Decay");
        }

        return new AttributeScoreNode(attribute, null);
    }

    private SaturateScoreNode BindSaturate(SaturateScore saturate)
    {
        var term = Bind(saturate.Term, isWrapped: true);
        return new SaturateScoreNode(term, Midpoint("Saturate", saturate.Midpoint, saturate.Term), Exponent("Saturate", saturate.Exponent));
    }

    private DecayScoreNode BindDecay(DecayScore decay)
    {
        var term = Bind(decay.Term, isWrapped: true);
        return new DecayScoreNode(term, Midpoint("Decay", decay.Midpoint, decay.Term), Exponent("Decay", decay.Exponent));
    }

    private AttributeScoreNode BindDist(DistScore dist)
    {
        var attribute = FindNumber(dist.Attribute);
        return new AttributeScoreNode(attribute, attribute.Type.Kind switch
        {
            TypeKind.DateTime => DateTimeOrigin(attribute, dist.Origin),
            TypeKind.Float => FloatOrigin(attribute, dist.Origin),
            _ => IntegerOrigin(attribute, dist.Origin),
        });
    }

    private ScoreOrigin DateTimeOrigin(AttributeDefinition attribute, Value origin)
    {
        if (origin.Kind == ValueKind.DateTime)
        {
            return new ScoreOrigin(origin.AsDateTime, 0);
        }

        if (origin.Kind != ValueKind.String || !DateTimeText.TryParse(origin.AsBytes, out long milliseconds))
        {
            throw PuffException.Invalid($"{place}: the origin of Dist on the datetime attribute \"{attribute.Name}\" must be an ISO 8601 string");
        }

        return new ScoreOrigin(milliseconds, 0);
    }

    private ScoreOrigin FloatOrigin(AttributeDefinition attribute, Value origin) => origin.Kind switch
    {
        ValueKind.Int => new ScoreOrigin(0, origin.AsInt),
        ValueKind.UInt => new ScoreOrigin(0, origin.AsUInt),
        ValueKind.Float when double.IsFinite(origin.AsFloat) => new ScoreOrigin(0, origin.AsFloat),
        _ => throw PuffException.Invalid($"{place}: the origin of Dist on the float attribute \"{attribute.Name}\" must be a number"),
    };

    private ScoreOrigin IntegerOrigin(AttributeDefinition attribute, Value origin) => origin.Kind switch
    {
        ValueKind.Int => new ScoreOrigin(origin.AsInt, 0),
        ValueKind.UInt => new ScoreOrigin(origin.AsUInt, 0),
        _ => throw PuffException.Invalid($"{place}: the origin of Dist on the {attribute.Type} attribute \"{attribute.Name}\" must be an integer"),
    };

    private AttributeDefinition FindNumber(string name)
    {
        var attribute = QueryBinder.Find(schema, name, place);
        if (attribute.Id == 0 || attribute.Type.Kind is not (TypeKind.Int or TypeKind.UInt or TypeKind.Float or TypeKind.DateTime))
        {
            throw PuffException.Invalid(
                $"{place}: a score needs a numeric or datetime attribute, and \"{name}\" is {(attribute.Id == 0 ? "the id" : attribute.Type)}");
        }

        return QueryBinder.RequireFilterable(attribute, place);
    }

    private double Midpoint(string function, ScoreNumber midpoint, ScoreExpression term)
    {
        double number = midpoint.Number;
        if (midpoint.Duration is { } duration)
        {
            if (!IsTime(term))
            {
                throw PuffException.Invalid(
                    $"{place}: the midpoint \"{duration}\" of {function} is a duration, which only datetime attributes can have; give a number");
            }

            number = DurationText.TryParse(duration, out double milliseconds) ? milliseconds
                : throw PuffException.Invalid(
                    $"{place}: the midpoint \"{duration}\" of {function} is no duration such as \"500ms\", \"90s\", \"15m\", \"6h\", \"7d\" or \"2w\"");
        }

        return number > 0 && double.IsFinite(number) ? number : throw PuffException.Invalid($"{place}: the midpoint of {function} must be greater than 0");
    }

    private double Exponent(string function, double exponent) => exponent > 0 && double.IsFinite(exponent) ? exponent
        : throw PuffException.Invalid($"{place}: the exponent of {function} must be greater than 0");

    /// <summary>Whether the value of an expression is a time in ms. Called after binding, so names are known.</summary>
    private bool IsTime(ScoreExpression expression)
    {
        switch (expression)
        {
            case AttributeScore attribute:
                return schema.Find(attribute.Attribute)!.Type.Kind == TypeKind.DateTime;
            case DistScore dist:
                return schema.Find(dist.Attribute)!.Type.Kind == TypeKind.DateTime;
            case ProductScore product:
                return IsTime(product.Term);
            case MaxScore max:
                var self = this;
                return max.Terms.Any(t => t is not ConstantScore && self.IsTime(t));
            default:
                return false;
        }
    }
}
