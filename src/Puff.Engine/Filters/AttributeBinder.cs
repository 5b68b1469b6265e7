using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>
/// One comparison with a literal operand. Null sorts below everything, so that half of the operators are complements of the other half, nulls included:
/// `Lt` of `Gte`, `Lte` of `Gt`, and every Not form of its plain form.
/// </summary>
internal static class AttributeBinder
{
    /// <param name="attribute">Meets the <see cref="FilterRequirements"/>.</param>
    /// <param name="filter">Its operator and options.</param>
    /// <param name="operand">The literal, or what a reference stands for.</param>
    public static Predicate Bind(AttributeDefinition attribute, AttributeFilter filter, in Value operand) => filter.Operator switch
    {
        FilterOperator.Eq => Equal(attribute, filter.Operator, operand),
        FilterOperator.NotEq => Not(Equal(attribute, filter.Operator, operand)),
        FilterOperator.In => In(attribute, filter.Operator, operand),
        FilterOperator.NotIn => Not(In(attribute, filter.Operator, operand)),
        FilterOperator.Contains => Contains(attribute, filter.Operator, operand),
        FilterOperator.NotContains => Not(Contains(attribute, filter.Operator, operand)),
        FilterOperator.ContainsAny => ContainsAny(attribute, filter.Operator, operand),
        FilterOperator.NotContainsAny => Not(ContainsAny(attribute, filter.Operator, operand)),
        FilterOperator.Gt => Greater(attribute, filter.Operator, Comparison.Greater, operand),
        FilterOperator.Gte => Greater(attribute, filter.Operator, Comparison.GreaterOrEqual, operand),
        FilterOperator.Lt => Not(Greater(attribute, filter.Operator, Comparison.GreaterOrEqual, operand)),
        FilterOperator.Lte => Not(Greater(attribute, filter.Operator, Comparison.Greater, operand)),
        FilterOperator.AnyGt => AnyGreater(attribute, filter.Operator, Comparison.Greater, complement: false, operand),
        FilterOperator.AnyGte => AnyGreater(attribute, filter.Operator, Comparison.GreaterOrEqual, complement: false, operand),
        FilterOperator.AnyLt => AnyGreater(attribute, filter.Operator, Comparison.GreaterOrEqual, complement: true, operand),
        FilterOperator.AnyLte => AnyGreater(attribute, filter.Operator, Comparison.Greater, complement: true, operand),
        FilterOperator.NotGlob or FilterOperator.NotIGlob => Not(Pattern(attribute, filter, operand)),
        _ => Pattern(attribute, filter, operand),
    };

    private static NotPredicate Not(Predicate predicate) => new(predicate);

    private static Predicate Equal(AttributeDefinition attribute, FilterOperator @operator, in Value operand)
    {
        if (operand.IsNull)
        {
            return Not(new PresentPredicate(attribute));
        }

        var type = attribute.Type;
        if (type.Kind == TypeKind.UnknownArray && operand.IsArray && operand.Kind != ValueKind.EmptyArray)
        {
            return ConstantPredicate.None;
        }

        var value = OperandCoercion.Coerce(attribute, @operator, type, operand);
        return type.IsArray
            ? new ArrayEqualPredicate(attribute, EqualElements(type.ElementKind, value))
            : new ValuePredicate(attribute, CompareWith(type.Kind, Comparison.Equal, value));
    }

    private static ValueMatcher[] EqualElements(TypeKind kind, Value array)
    {
        var matchers = new ValueMatcher[array.ElementCount];
        for (int i = 0; i < matchers.Length; i++)
        {
            matchers[i] = CompareWith(kind, Comparison.Equal, array.ElementAt(i));
        }

        return matchers;
    }

    /// <summary>`Gt null` are all documents with a value, `Gte null` all.</summary>
    private static Predicate Greater(AttributeDefinition attribute, FilterOperator @operator, Comparison comparison, in Value operand)
    {
        if (operand.IsNull)
        {
            return comparison == Comparison.Greater ? new PresentPredicate(attribute) : ConstantPredicate.All;
        }

        var value = OperandCoercion.Coerce(attribute, @operator, attribute.Type, operand);
        return new ValuePredicate(attribute, CompareWith(attribute.Type.Kind, comparison, value));
    }

    private static Predicate AnyGreater(
        AttributeDefinition attribute, FilterOperator @operator, Comparison comparison, bool complement, in Value operand)
    {
        if (Element(attribute, @operator, operand) is not { } value)
        {
            return ConstantPredicate.None;
        }

        var matcher = CompareWith(attribute.Type.ElementKind, comparison, value);
        return new AnyElementPredicate(attribute, complement ? new ComplementMatcher(matcher) : matcher);
    }

    private static Predicate Contains(AttributeDefinition attribute, FilterOperator @operator, in Value operand) =>
        Element(attribute, @operator, operand) is { } value
            ? new AnyElementPredicate(attribute, CompareWith(attribute.Type.ElementKind, Comparison.Equal, value))
            : ConstantPredicate.None;

    /// <summary>An operand that is compared with elements; null when the array's element type is not known yet, so that nothing matches.</summary>
    private static Value? Element(AttributeDefinition attribute, FilterOperator @operator, in Value operand)
    {
        var element = new AttributeType(attribute.Type.ElementKind);
        if (element.Kind == TypeKind.UnknownArray)
        {
            return operand.IsNull || operand.IsArray ? throw FilterErrors.Mismatch(attribute.Name, @operator, "an element", operand) : null;
        }

        return operand.IsNull
            ? throw FilterErrors.Mismatch(attribute.Name, @operator, element.ToString(), operand)
            : OperandCoercion.Coerce(attribute, @operator, element, operand);
    }

    private static Predicate In(AttributeDefinition attribute, FilterOperator @operator, in Value operand)
    {
        if (operand.IsNull)
        {
            throw PuffException.Malformed($"filter error in key `{attribute.Name}`: invalid type: null, {@operator} expects a list");
        }

        // On arrays a single element is as good as a list of one.
        return attribute.Type.IsArray && !operand.IsArray
            ? Contains(attribute, @operator, operand)
            : InList(attribute, @operator, operand);
    }

    private static Predicate ContainsAny(AttributeDefinition attribute, FilterOperator @operator, in Value operand) => operand.IsArray
        ? InList(attribute, @operator, operand)
        : throw FilterErrors.Mismatch(attribute.Name, @operator, ListType(attribute.Type).ToString(), operand);

    private static Predicate InList(AttributeDefinition attribute, FilterOperator @operator, in Value operand)
    {
        var type = attribute.Type;
        var listType = ListType(type);
        if (operand.Kind == ValueKind.EmptyArray || (operand.IsArray && listType.Kind == TypeKind.UnknownArray))
        {
            return ConstantPredicate.None;
        }

        var list = OperandCoercion.Coerce(attribute, @operator, listType, operand);
        var matcher = OneOf(type.ElementKind, list);
        return type.IsArray ? new AnyElementPredicate(attribute, matcher) : new ValuePredicate(attribute, matcher);
    }

    private static AttributeType ListType(AttributeType type) => type.IsArray ? type : new AttributeType(type.Kind switch
    {
        TypeKind.String => TypeKind.StringArray,
        TypeKind.Int => TypeKind.IntArray,
        TypeKind.UInt => TypeKind.UIntArray,
        TypeKind.Float => TypeKind.FloatArray,
        TypeKind.Bool => TypeKind.BoolArray,
        TypeKind.Uuid => TypeKind.UuidArray,
        TypeKind.DateTime => TypeKind.DateTimeArray,
        _ => throw new InvalidOperationException($"there are no lists of {type}"),
    });

    private static ValueMatcher OneOf(TypeKind kind, Value list)
    {
        if (kind is TypeKind.String or TypeKind.Uuid)
        {
            return new BytesSetMatcher(list.AsBytesArray);
        }

        var bits = new long[list.ElementCount];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = list.ElementAt(i).ScalarBits;
        }

        return new ScalarSetMatcher(kind, bits);
    }

    private static ValueMatcher CompareWith(TypeKind kind, Comparison comparison, in Value operand) => kind is TypeKind.String or TypeKind.Uuid
        ? new BytesMatcher(comparison, operand.AsBytes)
        : ScalarMatcher.Create(kind, comparison, operand.ScalarBits);

    private static Predicate Pattern(AttributeDefinition attribute, AttributeFilter filter, in Value operand)
    {
        if (operand.Kind != ValueKind.String)
        {
            throw FilterErrors.Mismatch(attribute.Name, filter.Operator, "string", operand);
        }

        try
        {
            var matcher = PatternMatcher(filter, operand);
            return matcher is null ? ConstantPredicate.None
                : attribute.Type.IsArray ? new AnyElementPredicate(attribute, matcher)
                : new ValuePredicate(attribute, matcher);
        }
        catch (FormatException error)
        {
            throw FilterErrors.Invalid(attribute.Name, $"{filter.Operator}: {error.Message}");
        }
    }

    private static ValueMatcher? PatternMatcher(AttributeFilter filter, in Value operand)
    {
        switch (filter.Operator)
        {
            case FilterOperator.Regex:
                return new RegexMatcher(operand.AsString);
            case FilterOperator.Fuzzy:
                int queryChars = CodePointFolding.Decode(operand.AsBytes, fold: false).Length;
                int? distance = FuzzyRules.ChooseDistance(filter.Fuzzy, queryChars);
                return distance is null ? null : new FuzzyMatcher(operand.AsBytes, distance.Value, filter.Fuzzy!.CaseSensitive);
            default:
                return new GlobMatcher(operand.AsBytes, ignoreCase: filter.Operator is FilterOperator.IGlob or FilterOperator.NotIGlob);
        }
    }
}
