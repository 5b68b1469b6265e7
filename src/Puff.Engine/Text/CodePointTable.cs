using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>
/// A byte for every code point in two stages: the first names one of the distinct blocks of 128 code points, the second holds the blocks.
/// Built once from the list of places where the value changes, which is what the generated files hold.
/// </summary>
internal sealed class CodePointTable
{
    private const int BlockBits = 7;
    private const int BlockLength = 1 << BlockBits;
    private const int CodePointCount = 0x110000;

    private readonly ushort[] stage = new ushort[CodePointCount >> BlockBits];
    private readonly byte[] values;

    /// <param name="changes">value &lt;&lt; 24 | first code point that has it, ascending by code point, the first one for 0.</param>
    public CodePointTable(ReadOnlySpan<uint> changes)
    {
        var distinct = new Dictionary<string, ushort>(StringComparer.Ordinal);
        var collected = new List<byte>();
        Span<char> block = stackalloc char[BlockLength];
        int change = 0;
        for (int i = 0; i < stage.Length; i++)
        {
            for (int j = 0; j < BlockLength; j++)
            {
                int codePoint = i << BlockBits | j;
                while (change + 1 < changes.Length && (changes[change + 1] & 0xFFFFFF) <= codePoint)
                {
                    change++;
                }

                block[j] = (char)(changes[change] >> 24);
            }

            string key = new(block);
            if (!distinct.TryGetValue(key, out ushort number))
            {
                number = (ushort)distinct.Count;
                distinct.Add(key, number);
                collected.AddRange(key.Select(value => (byte)value));
            }

            stage[i] = number;
        }

        values = [.. collected];
    }

    public static CodePointTable WordBreaks { get; } = new(WordBreakData.Changes);

    public static CodePointTable Characters { get; } = new(CharacterClassData.Changes);

    public byte this[int codePoint]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => values[stage[codePoint >> BlockBits] << BlockBits | codePoint & BlockLength - 1];
    }
}
