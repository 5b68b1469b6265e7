using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.Engine.Tests.Filters;

/// <summary>Draws schemas, values and filters from a seed; from few distinct values, so that comparisons hit as often as they miss.</summary>
internal sealed class RandomFilters(Random random)
{
    private static readonly TypeKind[] Scalars =
        [TypeKind.String, TypeKind.Int, TypeKind.UInt, TypeKind.Float, TypeKind.Bool, TypeKind.Uuid, TypeKind.DateTime];

    private static readonly FilterOperator[] ScalarOperators =
    [
        FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.Lt, FilterOperator.Lte, FilterOperator.Gt, FilterOperator.Gte,
        FilterOperator.In, FilterOperator.NotIn,
    ];

    private static readonly FilterOperator[] ArrayOperators =
    [
        FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.In, FilterOperator.NotIn, FilterOperator.Contains, FilterOperator.NotContains,
        FilterOperator.ContainsAny, FilterOperator.NotContainsAny,
        FilterOperator.AnyLt, FilterOperator.AnyLte, FilterOperator.AnyGt, FilterOperator.AnyGte,
    ];

    private static readonly FilterOperator[] PatternOperators = [FilterOperator.Glob, FilterOperator.NotGlob, FilterOperator.Regex];

    /// <summary>One attribute of every filterable type.</summary>
    public static NamespaceSchema Schema { get; } = new(
        IdKind.UInt,
        null,
        Scalars.SelectMany(kind => new[] { kind, (TypeKind)((int)kind + 16) })
            .Select((kind, i) => new AttributeDefinition(i + 1, kind.ToString(), new AttributeType(kind)) { Filterable = true, Regex = true }));

    public Value Draw(AttributeType type) => random.Next(4) == 0 ? Value.Null
        : type.IsArray ? List(type.ElementKind, random.Next(4))
        : Scalar(type.Kind);

    public Filter DrawFilter(int depth)
    {
        switch (depth == 0 ? 3 : random.Next(4))
        {
            case 0:
                return new AndFilter(Filters(depth));
            case 1:
                return new OrFilter(Filters(depth));
            case 2:
                return new NotFilter(DrawFilter(depth - 1));
            default:
                int number = random.Next(Schema.Attributes.Count + 1);
                return Comparison(number == 0 ? Schema.IdAttribute : Schema.Attributes[number - 1]);
        }
    }

    private Filter[] Filters(int depth) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => DrawFilter(depth - 1))];

    private AttributeFilter Comparison(AttributeDefinition attribute)
    {
        var type = attribute.Type;
        if (type.ElementKind == TypeKind.String && random.Next(3) == 0)
        {
            return new AttributeFilter(attribute.Name, Pick(PatternOperators), Value.String(Pick(["a", "ab", "b", "a*", "[ab]b?"])));
        }

        var @operator = Pick(type.IsArray ? ArrayOperators : ScalarOperators);
        return new AttributeFilter(attribute.Name, @operator, Operand(@operator, type));
    }

    private Value Operand(FilterOperator @operator, AttributeType type)
    {
        switch (@operator)
        {
            case FilterOperator.In or FilterOperator.NotIn or FilterOperator.ContainsAny or FilterOperator.NotContainsAny:
                return List(type.ElementKind, random.Next(5) == 0 ? 20 : random.Next(4));
            case FilterOperator.Eq or FilterOperator.NotEq:
                return Draw(type);
            case FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte:
                return random.Next(6) == 0 ? Value.Null : Scalar(type.Kind);
            default:
                return Scalar(type.ElementKind);
        }
    }

    private Value Scalar(TypeKind kind) => kind switch
    {
        TypeKind.String => Value.String(Pick(["", "a", "ab", "b", "ä", "aa"])),
        TypeKind.Int => Value.Int(Pick<long>([long.MinValue, -1, 0, 1, long.MaxValue])),
        TypeKind.UInt => Value.UInt(Pick<ulong>([0, 1, 1UL << 63, ulong.MaxValue])),
        TypeKind.Float => Value.Float(Pick([double.MinValue, -1.5, -0.0, 0.0, 1.5, double.Epsilon])),
        TypeKind.Bool => Value.Bool(Pick([true, false])),
        TypeKind.Uuid => Value.Uuid([.. new byte[15], Pick<byte>([0, 1, 200])]),
        _ => Value.DateTime(Pick<long>([-1, 0, 1_000])),
    };

    private Value List(TypeKind kind, int count)
    {
        var values = Enumerable.Range(0, count).Select(_ => Scalar(kind)).ToList();
        return kind switch
        {
            TypeKind.String => Value.StringArray([.. values.Select(v => v.AsBytes)]),
            TypeKind.Int => Value.Array([.. values.Select(v => v.AsInt)]),
            TypeKind.UInt => Value.Array([.. values.Select(v => v.AsUInt)]),
            TypeKind.Float => Value.Array([.. values.Select(v => v.AsFloat)]),
            TypeKind.Bool => Value.Array([.. values.Select(v => v.AsBool)]),
            TypeKind.Uuid => Value.UuidArray([.. values.Select(v => v.AsBytes)]),
            _ => Value.DateTimeArray([.. values.Select(v => v.AsDateTime)]),
        };
    }

    private T Pick<T>(T[] choices) => choices[random.Next(choices.Length)];
}
