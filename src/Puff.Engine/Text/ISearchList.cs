using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>Documents that all get the same in a search, whatever their text: those that match a filter, or have a word that begins so.</summary>
internal readonly record struct SearchBits(BitSet Documents, double Weight);

/// <summary>Something else that a search adds to scores: asked only for documents that reach the threshold with the most it can add.</summary>
internal abstract class AddedScores
{
    /// <summary>No document gets more; finite, and nothing adds less than 0.</summary>
    public abstract double Largest { get; }

    /// <summary>No document from one on up to, but not including, another gets more.</summary>
    public abstract double LargestIn(int first, int end);

    public abstract void Add(ReadOnlySpan<int> documents, Span<float> sums);
}

/// <summary>One list of documents in a <see cref="TextSearch"/>: what it gives in a window at most, and what it gives. For one thread.</summary>
internal unsafe interface ISearchList : IDisposable
{
    /// <summary>The attribute whose lengths it goes by; null when it goes by none.</summary>
    TextField? Field { get; }

    /// <summary>Documents in it.</summary>
    int Documents { get; }

    int BlockCount { get; }

    /// <summary>Blocks unpacked so far.</summary>
    int BlocksRead { get; }

    /// <summary>No document gets more from the list.</summary>
    double Largest { get; }

    /// <summary>No document of the window gets more.</summary>
    double Bound { get; }

    /// <summary>What the list gives at most in each window up to the last one that has a posting; 0 where it has certainly none.</summary>
    ReadOnlySpan<float> WindowBounds { get; }

    /// <summary>Postings that the window meets, about; after <see cref="Turn"/>.</summary>
    int Postings { get; }

    /// <summary>The first document from one on; int.MaxValue when there is none.</summary>
    int NextDocument(int from);

    /// <summary>Takes the bound of some windows that follow each other.</summary>
    /// <param name="window">The first one.</param>
    /// <param name="count">How many.</param>
    /// <returns>False when the list certainly has nothing in them.</returns>
    bool Enter(int window, int count);

    /// <summary>Turns to the documents from <paramref name="first"/> up to, but not including, <paramref name="limit"/>.</summary>
    void Turn(int first, int limit);

    /// <summary>Adds the postings of the window to sums that begin at its first document.</summary>
    /// <param name="sums">Of each document.</param>
    /// <param name="needed">What gives less may be passed over.</param>
    void AddAll(float* sums, double needed);

    /// <summary>The same, and marks the documents.</summary>
    void AddAll(float* sums, ulong* touched, double needed);

    /// <summary>Takes the postings of the window that give enough and whose documents match as candidates.</summary>
    /// <param name="mask">The window's matches; empty when all do.</param>
    /// <param name="candidates">Documents, ascending.</param>
    /// <param name="sums">Of each candidate.</param>
    /// <param name="least">More than 0.</param>
    /// <returns>How many.</returns>
    int Take(ReadOnlySpan<ulong> mask, int* candidates, float* sums, float least);

    /// <summary>Adds the postings of some documents of the window.</summary>
    /// <param name="all">The candidates.</param>
    /// <param name="lengths">Of the candidates in the attribute of this list; null when they are not known.</param>
    /// <param name="needed">Candidates that stay below this are of no use any more: they may get nothing.</param>
    void AddTo(TextCandidates all, int* lengths, double needed);

    /// <summary>What documents of each length get from the list at most.</summary>
    /// <param name="bounds">Of lengths 0, 1, 2, …</param>
    /// <param name="lengthsOf">The attribute whose lengths are meant.</param>
    void FillLengthBounds(Span<float> bounds, TextField? lengthsOf);
}
