using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>Vector operands against vector attributes.</summary>
internal static class VectorBinder
{
    public static BoundVectorRank Bind(NamespaceSchema schema, VectorRank rank)
    {
        string form = rank.Exact ? "kNN" : "ANN";
        var query = Bind(schema, rank.Attribute, rank.Vector, form);
        var attribute = query.Attribute;
        if (attribute.Type.IsMultiVector && !rank.Exact && !attribute.LateInteraction)
        {
            throw PuffException.Invalid(
                $"ANN on the multi-vector attribute \"{attribute.Name}\" needs \"ann\": {{\"late_interaction\": true}} in its schema; kNN works without");
        }

        return new BoundVectorRank(attribute, query, rank.Exact);
    }

    /// <param name="form">"ANN", "kNN" or "VectorDist", for messages.</param>
    public static VectorQuery Bind(NamespaceSchema schema, string name, VectorOperand operand, string form)
    {
        var attribute = QueryBinder.Find(schema, name, form);
        if (!attribute.Type.IsDenseVector && !attribute.Type.IsMultiVector)
        {
            throw PuffException.Invalid($"{form} needs a vector attribute, and \"{name}\" is {attribute.Type}");
        }

        CheckOperand(attribute, operand, form);
        bool isCosine = (schema.Metric ?? DistanceMetric.CosineDistance) == DistanceMetric.CosineDistance;
        if (attribute.Type.IsDenseVector)
        {
            if (isCosine && !operand.Data.AsSpan().ContainsAnyExcept(0f))
            {
                throw PuffException.Invalid(
                    $"the query vector for attribute \"{attribute.Name}\" is a zero vector, which has no direction and thus no cosine distance");
            }

            var scorer = ExactScorer.Create(ElementOf(attribute.Type.Kind), attribute.Type.Dimensions, isCosine, operand.Data);
            return new DenseVectorQuery(attribute, scorer, isCosine ? Unit(operand.Data) : operand.Data, isCosine);
        }

        var multiScorer = MultiVectorScorer.Create(attribute.Type.Dimensions, isCosine, operand.Data);
        return new MultiVectorQuery(attribute, multiScorer, isCosine ? Units(operand.Data, attribute.Type.Dimensions) : operand.Data);
    }

    private static void CheckOperand(AttributeDefinition attribute, VectorOperand operand, string form)
    {
        if (operand.IsMulti && !attribute.Type.IsMultiVector)
        {
            throw PuffException.Invalid($"{form} with several query vectors needs a multi-vector attribute, and \"{attribute.Name}\" is {attribute.Type}");
        }

        int dimensions = attribute.Type.Dimensions;
        bool fits = operand.Dimensions == dimensions && operand.Data.Length > 0
            && (operand.IsMulti ? operand.Data.Length % dimensions == 0 : operand.Data.Length == dimensions);
        if (!fits)
        {
            int given = operand.IsMulti ? operand.Dimensions : operand.Data.Length;
            throw PuffException.Invalid($"the query vector has {given} dimensions; attribute \"{attribute.Name}\" has {dimensions}");
        }

        foreach (float element in operand.Data)
        {
            if (!float.IsFinite(element))
            {
                throw PuffException.Invalid($"the query vector for attribute \"{attribute.Name}\" contains NaN or infinity");
            }
        }
    }

    private static float[] Unit(float[] vector)
    {
        float[] unit = [.. vector];
        IndexedVector.ScaleToUnit(unit);
        return unit;
    }

    private static float[] Units(float[] vectors, int dimensions)
    {
        float[] units = [.. vectors];
        for (int first = 0; first < units.Length; first += dimensions)
        {
            IndexedVector.ScaleToUnit(units.AsSpan(first, dimensions));
        }

        return units;
    }

    private static ElementType ElementOf(TypeKind kind) => kind switch
    {
        TypeKind.VectorF32 => ElementType.F32,
        TypeKind.VectorF16 => ElementType.F16,
        TypeKind.VectorI8 => ElementType.I8,
        _ => throw new InvalidOperationException($"{kind} is no dense vector"),
    };
}
