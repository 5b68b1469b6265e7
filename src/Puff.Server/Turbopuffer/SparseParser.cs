using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Sparse vectors: objects of numbers.</summary>
internal static class SparseParser
{
    public static SparseVector Read(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectObject(ref cursor, field);
        var entries = new List<(byte[] Key, float Weight)>();
        while (cursor.ReadName())
        {
            byte[] key = cursor.GetUtf8();
            cursor.Read();
            if (cursor.Token != JsonTokenType.Number)
            {
                throw PuffException.Invalid($"{field}: an object stands for a sparse vector, so its values must be numbers (byte {cursor.Offset})");
            }

            entries.Add((key, cursor.GetSingle(field)));
        }

        return Sort(entries);
    }

    /// <summary>Ascending and without repeats; of repeated keys the last counts.</summary>
    private static SparseVector Sort(List<(byte[] Key, float Weight)> entries)
    {
        var order = Enumerable.Range(0, entries.Count).ToArray();
        Array.Sort(order, (a, b) => entries[a].Key.AsSpan().SequenceCompareTo(entries[b].Key) is var keys and not 0 ? keys : a.CompareTo(b));
        var keys = new List<byte[]>(order.Length);
        var weights = new List<float>(order.Length);
        foreach (int i in order)
        {
            if (keys.Count > 0 && keys[^1].AsSpan().SequenceEqual(entries[i].Key))
            {
                weights[^1] = entries[i].Weight;
                continue;
            }

            keys.Add(entries[i].Key);
            weights.Add(entries[i].Weight);
        }

        return new SparseVector([.. keys], [.. weights]);
    }
}
