namespace Puff.Engine.Vectors;

/// <summary>Some vectors of a source, numbered anew.</summary>
internal sealed unsafe class ChosenVectors(IVectorSource source, int[] chosen) : IVectorSource
{
    public int Count => chosen.Length;

    public void Read(int index, float* destination) => source.Read(chosen[index], destination);
}
