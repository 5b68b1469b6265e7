using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>
/// Lower-casing one code point at a time, by the pinned tables: what is around a character does not matter (no final sigma),
/// and the only character that becomes two is U+0130.
/// </summary>
internal static class LowerCase
{
    private const int BlockBits = 7;
    private const int DottedCapitalI = 0x130;
    private const int DotAbove = 0x307;

    private static readonly int[]?[] Blocks = Build();

    /// <summary>The lower case of one code point; for U+0130 the first of its two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of(int codePoint) => codePoint + (Blocks[codePoint >> BlockBits]?[codePoint & (1 << BlockBits) - 1] ?? 0);

    /// <summary>Appends the lower case of a code point as UTF-8; the target has room for four bytes.</summary>
    public static int Append(int codePoint, Span<byte> target)
    {
        if (codePoint == DottedCapitalI)
        {
            target[0] = (byte)'i';
            return 1 + CodePoints.Encode(DotAbove, target[1..]);
        }

        return CodePoints.Encode(Of(codePoint), target);
    }

    private static int[]?[] Build()
    {
        var blocks = new int[]?[0x110000 >> BlockBits];
        var runs = LowerCaseData.Runs;
        for (int i = 0; i < runs.Length; i += 4)
        {
            for (int c = runs[i]; c <= runs[i + 1]; c += runs[i + 2])
            {
                var block = blocks[c >> BlockBits] ??= new int[1 << BlockBits];
                block[c & (1 << BlockBits) - 1] = runs[i + 3];
            }
        }

        return blocks;
    }
}
