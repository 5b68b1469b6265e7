using System.Numerics.Tensors;

namespace Puff.Engine.Schema;

/// <summary>
/// Brings a parsed sparse vector into its stored form: keys ascending bytewise without repeats (of a repeated key the last weight counts),
/// weights rounded to f16, zeros dropped, at most <see cref="SparseVector.MaxEntries"/> entries.
/// </summary>
internal static class SparseCoercion
{
    public static Value Coerce(AttributeDefinition attribute, in Value value)
    {
        if (value.Kind != ValueKind.Sparse)
        {
            throw ValueCoercion.Mismatch(attribute, value);
        }

        var given = value.AsSparse;
        if (given.Keys.Length != given.Weights.Length)
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\": {given.Keys.Length} keys have {given.Weights.Length} weights");
        }

        if (given.Keys.Any(key => key is null))
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\": a key is null");
        }

        if (LogicalBytes.Of(value) > ValueCoercion.MaxValueBytes)
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\": a value has at most {ValueCoercion.MaxValueBytes} bytes (8 MiB)");
        }

        VectorCoercion.CheckFinite(attribute, given.Weights);
        var weights = new float[given.Weights.Length];
        TensorPrimitives.ConvertToSingle(VectorCoercion.ToHalf(attribute, given.Weights), weights);
        var sparse = Normalise(given.Keys, weights);
        return sparse.Keys.Length <= SparseVector.MaxEntries
            ? Value.Sparse(sparse)
            : throw PuffException.Invalid(
                $"attribute \"{attribute.Name}\": a sparse vector has at most {SparseVector.MaxEntries} non-zero entries; this one has {sparse.Keys.Length}");
    }

    private static SparseVector Normalise(byte[][] keys, float[] weights)
    {
        if (IsNormal(keys, weights))
        {
            return new SparseVector(keys, weights);
        }

        var order = new int[keys.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        // The position decides among equal keys, so that the last one given comes last.
        Array.Sort(order, (left, right) =>
        {
            int byKey = keys[left].AsSpan().SequenceCompareTo(keys[right]);
            return byKey != 0 ? byKey : left.CompareTo(right);
        });
        var sortedKeys = new List<byte[]>(keys.Length);
        var sortedWeights = new List<float>(keys.Length);
        for (int i = 0; i < order.Length; i++)
        {
            byte[] key = keys[order[i]];
            bool isRepeated = i + 1 < order.Length && key.AsSpan().SequenceEqual(keys[order[i + 1]]);
            if (!isRepeated && weights[order[i]] != 0)
            {
                sortedKeys.Add(key);
                sortedWeights.Add(weights[order[i]]);
            }
        }

        return new SparseVector([.. sortedKeys], [.. sortedWeights]);
    }

    private static bool IsNormal(byte[][] keys, float[] weights)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            if (weights[i] == 0 || (i > 0 && keys[i - 1].AsSpan().SequenceCompareTo(keys[i]) >= 0))
            {
                return false;
            }
        }

        return true;
    }
}
