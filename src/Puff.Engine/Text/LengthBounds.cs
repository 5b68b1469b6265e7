using System.Runtime.InteropServices;

namespace Puff.Engine.Text;

/// <summary>
/// What the last lists of a search give to a document of a known length, at most: less than what they give to any document, because the highest frequencies are
/// those of long ones. Of each list by its impacts as a whole.
/// </summary>
internal sealed unsafe class LengthBounds : IDisposable
{
    private const int Lengths = TextCandidates.LongestLength + 1;

    private float* tables;

    /// <param name="cursors">In the order they are added in.</param>
    /// <param name="field">Whose lengths are meant; lists of another attribute give to each document what they give to any.</param>
    /// <param name="added">What is added behind all lists, whatever the length.</param>
    public LengthBounds(ReadOnlySpan<ISearchList> cursors, TextField? field, double added)
    {
        tables = (float*)NativeMemory.AlignedAlloc((nuint)((cursors.Length + 1) * Lengths * sizeof(float)), 64);
        new Span<float>(From(cursors.Length), Lengths).Fill((float)added);
        var own = (Span<float>)stackalloc float[Lengths];
        for (int i = cursors.Length - 1; i >= 0; i--)
        {
            cursors[i].FillLengthBounds(own, field);
            System.Numerics.Tensors.TensorPrimitives.Add(own, new Span<float>(From(i + 1), Lengths), new Span<float>(From(i), Lengths));
        }
    }

    ~LengthBounds() => Free();

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>For each length, what all lists from one on give together.</summary>
    public float* From(int cursor) => tables + cursor * Lengths;

    private void Free()
    {
        NativeMemory.AlignedFree(tables);
        tables = null;
    }
}
