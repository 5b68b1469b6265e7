using System.Runtime.InteropServices;

namespace Puff.Engine.Formats;

/// <summary>One posting list of the part `sparse`, as stored: 12 bytes. A last entry behind all lists ends the blocks of the one before it.</summary>
/// <param name="FirstBlock">Number of the list's first block; the next list's first block ends it.</param>
/// <param name="Postings">Documents with this dimension.</param>
/// <param name="Maximum">Largest weight, f16.</param>
/// <param name="Minimum">Smallest weight, f16.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct SparseListEntry(uint FirstBlock, uint Postings, ushort Maximum, ushort Minimum)
{
    public const int Bytes = 12;
}

/// <summary>One block of a posting list of the part `sparse`, as stored: 16 bytes.</summary>
/// <param name="LastDocument">Of the block.</param>
/// <param name="Maximum">Largest weight, f16.</param>
/// <param name="Minimum">Smallest weight, f16.</param>
/// <param name="Bits">Width of the packed differences.</param>
/// <param name="CountLessOne">Postings - 1; 127 in all blocks of a list but the last.</param>
/// <param name="Reserved">Zero.</param>
/// <param name="Position">Where the block begins in the postings, in units of 4 bytes.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct SparseBlock(
    uint LastDocument, ushort Maximum, ushort Minimum, byte Bits, byte CountLessOne, ushort Reserved, uint Position)
{
    public const int Bytes = 16;
    public const int PositionShift = 2;

    public int Count => CountLessOne + 1;
}
