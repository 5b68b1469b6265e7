using System.Runtime.InteropServices;

namespace Puff.Engine.Text;

/// <summary>
/// The sums and candidates of a window. Each thread keeps one from search to search: fresh memory of this size costs more than a short search. Sums and marks
/// are all 0 between searches; one that was left in the middle of a window is not used again.
/// </summary>
internal sealed unsafe class TextScratch : IDisposable
{
    /// <summary>Documents of the longest window.</summary>
    public const int Length = 32_768;

    [ThreadStatic]
    private static TextScratch? kept;

    private readonly byte* memory;

    private TextScratch()
    {
        memory = (byte*)NativeMemory.AlignedAlloc(4 * Length * sizeof(float) + Length / 8, 64);
        Sums = (float*)memory;
        CandidateSums = Sums + Length;
        Candidates = (int*)(CandidateSums + Length);
        CandidateLengths = Candidates + Length;
        Touched = (ulong*)(CandidateLengths + Length);
        new Span<float>(Sums, Length).Clear();
        new Span<ulong>(Touched, Length / 64).Clear();
    }

    ~TextScratch() => NativeMemory.AlignedFree(memory);

    /// <summary>Of each document of a window.</summary>
    public float* Sums { get; }

    /// <summary>Of each candidate.</summary>
    public float* CandidateSums { get; }

    public int* Candidates { get; }

    public int* CandidateLengths { get; }

    /// <summary>A bit for each document of a window.</summary>
    public ulong* Touched { get; }

    /// <summary>True while a window is being worked on.</summary>
    public bool IsDirty { get; set; }

    public static TextScratch Take()
    {
        var scratch = kept ?? new TextScratch();
        kept = null;
        return scratch;
    }

    /// <summary>Gives it back to the thread.</summary>
    public void Dispose()
    {
        if (!IsDirty)
        {
            kept = this;
        }
    }
}
