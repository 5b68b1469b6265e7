using System.Text;
using Puff.Engine.Schema;

namespace Puff.Workloads.Sparse;

/// <summary>
/// The peer: an inverted index as one writes it in an afternoon. Lists of documents and weights in plain arrays, all in memory; a query adds up every
/// posting of its dimensions into an array of sums and takes the best. No filters, no deletes, sums in single precision.
/// </summary>
internal sealed class ExhaustiveIndex
{
    private readonly Dictionary<string, (int[] Documents, float[] Weights)> lists = [];
    private readonly float[] sums;

    public ExhaustiveIndex(ISparseData data)
    {
        var growing = new Dictionary<string, (List<int> Documents, List<float> Weights)>();
        sums = new float[data.Documents];
        for (int document = 0; document < data.Documents; document++)
        {
            var vector = data.Document(document);
            for (int i = 0; i < vector.Keys.Length; i++)
            {
                string key = Encoding.UTF8.GetString(vector.Keys[i]);
                if (!growing.TryGetValue(key, out var list))
                {
                    growing.Add(key, list = ([], []));
                }

                list.Documents.Add(document);
                list.Weights.Add(vector.Weights[i]);
            }
        }

        foreach (var (key, list) in growing)
        {
            lists.Add(key, ([.. list.Documents], [.. list.Weights]));
        }
    }

    public long Postings => lists.Values.Sum(l => (long)l.Documents.Length);

    public int[] Search(SparseVector query, int wanted)
    {
        Array.Clear(sums);
        for (int i = 0; i < query.Keys.Length; i++)
        {
            if (lists.TryGetValue(Encoding.UTF8.GetString(query.Keys[i]), out var list))
            {
                AddUp(list.Documents, list.Weights, query.Weights[i]);
            }
        }

        var best = new PriorityQueue<int, float>();
        for (int document = 0; document < sums.Length; document++)
        {
            if (sums[document] <= 0 || (best.TryPeek(out _, out float worst) && best.Count == wanted && sums[document] <= worst))
            {
                continue;
            }

            best.Enqueue(document, sums[document]);
            if (best.Count > wanted)
            {
                best.Dequeue();
            }
        }

        return [.. best.UnorderedItems.Select(b => b.Element)];
    }

    private void AddUp(int[] documents, float[] weights, float factor)
    {
        for (int i = 0; i < documents.Length; i++)
        {
            sums[documents[i]] += factor * weights[i];
        }
    }
}
