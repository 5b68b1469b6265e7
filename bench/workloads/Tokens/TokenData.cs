using Puff.Engine.Schema;

namespace Puff.Workloads.Tokens;

/// <summary>
/// Documents shaped like those of late-interaction models (ColBERT): 24 to 40 vectors of unit length, each a word's direction, drawn by Zipf's law from 20,000,
/// moved by the document's own context and by noise. A query is 16 of the words of a document, moved by half of its context and noise of its own.
/// Half-precision numbers.
/// </summary>
internal sealed class TokenData
{
    public const int Dimensions = 128;
    public const int QueryVectors = 16;

    private const int Words = 20_000;
    private const double Exponent = 0.8;

    private readonly double[] cumulative = new double[Words];
    private readonly float[][] words;
    private readonly int seed;

    public TokenData(int documents, int queries, int seed)
    {
        this.seed = seed;
        Documents = documents;
        double sum = 0;
        for (int rank = 0; rank < Words; rank++)
        {
            cumulative[rank] = sum += 1 / Math.Pow(rank + 1, Exponent);
        }

        var random = new Random(seed);
        words = [.. Enumerable.Range(0, Words).Select(_ => Gaussian(random, 1))];
        Queries = [.. Enumerable.Range(0, queries).Select(Query)];
    }

    public int Documents { get; }

    public IReadOnlyList<float[]> Queries { get; }

    public Value Document(int number)
    {
        var random = new Random(HashCode.Combine(seed, number));
        float[] context = Gaussian(random, 0.5f);
        var vectors = new List<float>();
        foreach (int word in WordsOf(random))
        {
            vectors.AddRange(Unit(words[word], context, Gaussian(random, 0.4f)));
        }

        return Value.MultiVector(new MultiVector(Dimensions, vectors.ToArray()));
    }

    private float[] Query(int number)
    {
        var random = new Random(HashCode.Combine(seed, Random(number)));
        float[] context = Gaussian(random, 0.5f);
        int[] own = WordsOf(random);
        var noise = new Random(HashCode.Combine(seed, -1, number));
        return
        [
            .. Enumerable.Range(0, QueryVectors)
                .SelectMany(i => Unit(words[own[i]], Array.ConvertAll(context, c => c / 2), Gaussian(noise, 0.6f))),
        ];
    }

    private int Random(int query) => (int)(query * 7_919L % Documents);

    private int[] WordsOf(Random random) =>
        [.. Enumerable.Range(0, 24 + random.Next(17)).Select(_ => Math.Min(Words - 1, ~Array.BinarySearch(cumulative, random.NextDouble() * cumulative[^1])))];

    private static float[] Unit(float[] word, float[] context, float[] noise)
    {
        var sum = new float[Dimensions];
        double squares = 0;
        for (int d = 0; d < Dimensions; d++)
        {
            sum[d] = word[d] + context[d] + noise[d];
            squares += sum[d] * sum[d];
        }

        return Array.ConvertAll(sum, s => (float)(s / Math.Sqrt(squares)));
    }

    private static float[] Gaussian(Random random, float deviation)
    {
        var numbers = new float[Dimensions];
        for (int d = 0; d < Dimensions; d += 2)
        {
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var (sine, cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
            numbers[d] = (float)(radius * sine);
            numbers[d + 1] = (float)(radius * cosine);
        }

        return numbers;
    }
}
