using Puff.Engine.Schema;

namespace Puff.Engine.Text;

/// <summary>BM25 (Robertson and Zaragoza 2009) with the constants and the corpus of one attribute, as turbopuffer-api 6.5 has it.</summary>
internal readonly struct Bm25
{
    private readonly double k1;
    private readonly double k3;
    private readonly double documents;

    /// <param name="settings">Of the attribute.</param>
    /// <param name="documents">Documents with a text.</param>
    /// <param name="length">Their tokens.</param>
    public Bm25(FullTextSettings settings, long documents, long length)
        : this(settings, (double)documents, length == 0 ? 1 : (double)length / documents)
    {
    }

    private Bm25(FullTextSettings settings, double documents, double mean)
    {
        this.documents = documents;
        k1 = settings.K1;
        k3 = settings.K3;
        Constant = settings.K1 * (1 - settings.B);
        Slope = settings.K1 * settings.B / mean;
    }

    /// <summary>The part of a frequency's half-value that does not depend on the document.</summary>
    public double Constant { get; }

    /// <summary>What each token of the document adds to it.</summary>
    public double Slope { get; }

    /// <summary>Without a corpus: every term has idf ln 2, every mean length is 1 (turbopuffer-api 4.6).</summary>
    public static Bm25 WithoutCorpus(FullTextSettings settings) => new(settings, double.NaN, 1.0);

    /// <summary>What a term's saturated frequency is multiplied with: idf, its weight in the query, k1 + 1.</summary>
    /// <param name="documentFrequency">Documents with the term.</param>
    /// <param name="count">How often the query has it.</param>
    public double Weight(long documentFrequency, int count)
    {
        double idf = double.IsNaN(documents) ? Math.Log(2) : Math.Log(1 + (documents - documentFrequency + 0.5) / (documentFrequency + 0.5));
        return idf * ((k3 + 1) * count / (k3 + count)) * (k1 + 1);
    }

    /// <summary>One term's part of a document's score.</summary>
    public double Score(double weight, int frequency, int length) => weight * frequency / (frequency + Constant + Slope * length);
}
