using Puff.Engine.Encoding;
using Puff.Engine.Namespaces;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>The sum of terms; scored where any term is.</summary>
internal sealed class SumScoreNode(ScoreNode[] terms) : ScoreNode
{
    public override bool IsAttributeDerived { get; } = Array.Exists(terms, t => t.IsAttributeDerived);

    public IReadOnlyList<ScoreNode> Terms => terms;

    public override double LargestScore => terms.Sum(t => t.LargestScore);

    public override void Plan(DocumentSet set, IReadBatch batch) => Array.ForEach(terms, t => t.Plan(set, batch));

    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation) =>
        Array.ForEach(terms, t => t.Prepare(snapshot, reads, cancellation));

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => new Reader(Array.ConvertAll(terms, t => t.Open(view, cancellation)));

    public override ScoreReader OpenRows(DocumentSet set) => new Reader(Array.ConvertAll(terms, t => t.OpenRows(set)));

    private sealed class Reader(ScoreReader[] terms) : ScoreReader
    {
        private readonly double[] termScores = new double[ChunkRows];
        private readonly bool[] termScored = new bool[ChunkRows];

        public override double LargestIn(int first, int end) => terms.Sum(t => t.LargestIn(first, end));

        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            terms[0].Read(documents, scores, scored);
            for (int term = 1; term < terms.Length; term++)
            {
                terms[term].Read(documents, termScores, termScored);
                for (int i = 0; i < documents.Length; i++)
                {
                    scores[i] += termScores[i];
                    scored[i] |= termScored[i];
                }
            }
        }
    }
}

/// <summary>The largest term, and no less than the floor; a floor alone scores no document.</summary>
internal sealed class MaxScoreNode(ScoreNode[] terms, double? floor) : ScoreNode
{
    public override bool IsAttributeDerived { get; } = Array.Exists(terms, t => t.IsAttributeDerived);

    public IReadOnlyList<ScoreNode> Terms => terms;

    public double? Floor => floor;

    public override double LargestScore => Math.Max(terms.Max(t => t.LargestScore), floor ?? 0);

    public override void Plan(DocumentSet set, IReadBatch batch) => Array.ForEach(terms, t => t.Plan(set, batch));

    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation) =>
        Array.ForEach(terms, t => t.Prepare(snapshot, reads, cancellation));

    public override ScoreReader Open(SetView view, CancellationToken cancellation) =>
        new Reader(Array.ConvertAll(terms, t => t.Open(view, cancellation)), floor);

    public override ScoreReader OpenRows(DocumentSet set) => new Reader(Array.ConvertAll(terms, t => t.OpenRows(set)), floor);

    private sealed class Reader(ScoreReader[] terms, double? floor) : ScoreReader
    {
        private readonly double[] termScores = new double[ChunkRows];
        private readonly bool[] termScored = new bool[ChunkRows];

        public override double LargestIn(int first, int end) => Math.Max(terms.Max(t => t.LargestIn(first, end)), floor ?? 0);

        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            terms[0].Read(documents, scores, scored);
            for (int term = 1; term < terms.Length; term++)
            {
                terms[term].Read(documents, termScores, termScored);
                for (int i = 0; i < documents.Length; i++)
                {
                    scores[i] = Math.Max(scores[i], termScores[i]);
                    scored[i] |= termScored[i];
                }
            }

            for (int i = 0; i < documents.Length; i++)
            {
                scores[i] = !scored[i] ? 0 : floor is { } least ? Math.Max(scores[i], least) : scores[i];
            }
        }
    }
}

/// <summary>A score computed from one other score; scored where that is.</summary>
internal abstract class MappedScoreNode(ScoreNode term) : ScoreNode
{
    public ScoreNode Term => term;

    public override bool IsAttributeDerived => term.IsAttributeDerived;

    public override void Plan(DocumentSet set, IReadBatch batch) => term.Plan(set, batch);

    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation) => term.Prepare(snapshot, reads, cancellation);

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => new Reader(this, term.Open(view, cancellation));

    public override ScoreReader OpenRows(DocumentSet set) => new Reader(this, term.OpenRows(set));

    /// <summary>Replaces each score; what it does to documents that are not scored has no effect.</summary>
    protected abstract void Map(Span<double> scores);

    /// <summary>The largest score that comes out where none larger goes in.</summary>
    protected abstract double MapLargest(double largest);

    /// <summary>Whether a text, sparse or filter score of 0 comes out, which scores no document.</summary>
    protected virtual bool ScoresNothing => false;

    private sealed class Reader(MappedScoreNode node, ScoreReader term) : ScoreReader
    {
        public override double LargestIn(int first, int end) => node.MapLargest(term.LargestIn(first, end));

        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            term.Read(documents, scores, scored);
            if (node.ScoresNothing)
            {
                scored[..documents.Length].Clear();
            }

            node.Map(scores[..documents.Length]);
            for (int i = 0; i < documents.Length; i++)
            {
                scores[i] = scored[i] ? scores[i] : 0;
            }
        }
    }
}

internal sealed class ProductScoreNode(double weight, ScoreNode term) : MappedScoreNode(term)
{
    public double Weight => weight;

    public override double LargestScore => MapLargest(Term.LargestScore);

    protected override double MapLargest(double largest) => weight == 0 ? 0 : weight * largest;

    protected override bool ScoresNothing => weight == 0 && !IsAttributeDerived;

    protected override void Map(Span<double> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] *= weight;
        }
    }
}

/// <summary>e^x / (e^x + m^x), written as 1 / (1 + (m/e)^x) so that nothing overflows.</summary>
internal sealed class SaturateScoreNode(ScoreNode term, double midpoint, double exponent) : MappedScoreNode(term)
{
    public override double LargestScore => 1;

    protected override double MapLargest(double largest) => double.IsFinite(largest) ? Of(largest) : 1;

    /// <summary>What a score is saturated to; grows with it.</summary>
    public double Of(double score) => score > 0 ? 1 / (1 + Math.Pow(midpoint / score, exponent)) : 0;

    protected override void Map(Span<double> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = Of(scores[i]);
        }
    }
}

/// <summary>m^x / (e^x + m^x), written as 1 / (1 + (e/m)^x) so that nothing overflows.</summary>
internal sealed class DecayScoreNode(ScoreNode term, double midpoint, double exponent) : MappedScoreNode(term)
{
    public override double LargestScore => 1;

    protected override double MapLargest(double largest) => 1;

    protected override void Map(Span<double> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = scores[i] > 0 ? 1 / (1 + Math.Pow(scores[i] / midpoint, exponent)) : 1;
        }
    }
}
