using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Namespaces;

/// <summary>
/// One version of a document in the tail. Row and vectors point into WAL entries or segments that the state's resources keep alive; a patched document has a
/// row of
/// its own. Vectors are those of the schema's dense attributes, in order of their numbers.
/// </summary>
internal readonly unsafe struct TailRow(DocumentId id, byte* row, int rowBytes, byte[]? ownRow, byte* vector0, byte* vector1)
{
    private readonly byte* row = row;
    private readonly int rowBytes = rowBytes;
    private readonly byte[]? ownRow = ownRow;
    private readonly byte* vector0 = vector0;
    private readonly byte* vector1 = vector1;

    public DocumentId Id { get; } = id;

    public ReadOnlySpan<byte> Row => ownRow ?? new ReadOnlySpan<byte>(row, rowBytes);

    /// <param name="slot">Position among the dense vector attributes: 0 or 1.</param>
    public byte* Vector(int slot) => slot == 0 ? vector0 : vector1;
}

/// <summary>
/// The documents of the not yet indexed WAL entries: append-only rows, of which the live ones are found by id. Changed by one thread at a time;
/// <see cref="Freeze"/> gives queries an immutable view that later appends do not disturb.
/// </summary>
internal sealed unsafe class Tail
{
    private readonly Dictionary<DocumentId, int> live = [];
    private readonly List<VectorBlock>[] blocks = [[], []];
    private TailRow[] rows = new TailRow[16];
    private BitSet dead = new(16);
    private readonly TailTexts texts = new();
    private readonly TailCodes codes = new();
    private int count;

    /// <summary>Row versions, dead ones included.</summary>
    public int Count => count;

    public int LiveCount => live.Count;

    public TailCodes Codes => codes;

    public TailTexts Texts => texts;

    public bool TryFind(in DocumentId id, out int document) => live.TryGetValue(id, out document);

    public ref readonly TailRow this[int document] => ref rows[document];

    /// <summary>Adds a version; an older one of the same id dies.</summary>
    public void Append(in TailRow row, ReadOnlySpan<int> vectorBytes)
    {
        if (count == rows.Length)
        {
            Grow();
        }

        if (live.TryGetValue(row.Id, out int older))
        {
            dead[older] = true;
        }

        rows[count] = row;
        live[row.Id] = count;
        for (int slot = 0; slot < vectorBytes.Length; slot++)
        {
            Extend(blocks[slot], row.Vector(slot), vectorBytes[slot]);
        }

        count++;
    }

    /// <summary>False when no live version is here.</summary>
    public bool Remove(in DocumentId id)
    {
        if (!live.Remove(id, out int document))
        {
            return false;
        }

        dead[document] = true;
        return true;
    }

    public TailDocumentSet Freeze(NamespaceSchema schema)
    {
        var alive = new BitSet(count, value: true);
        var words = alive.Words;
        for (int i = 0; i < words.Length; i++)
        {
            words[i] &= ~dead.Words[i];
        }

        return new TailDocumentSet(rows, count, alive, live.Count, [blocks[0].ToArray(), blocks[1].ToArray()], schema, texts, codes);
    }

    private void Extend(List<VectorBlock> list, byte* vector, int bytes)
    {
        if (vector == null)
        {
            return;
        }

        if (list.Count > 0)
        {
            var last = list[^1];
            if (last.FirstDocument + last.Count == count && last.Pointer + (long)last.Count * bytes == vector)
            {
                list[^1] = new VectorBlock(last.FirstDocument, last.Count + 1, last.Pointer);
                return;
            }
        }

        list.Add(new VectorBlock(count, 1, vector));
    }

    /// <summary>Copies, because frozen views keep the old array.</summary>
    private void Grow()
    {
        Array.Resize(ref rows, rows.Length * 2);
        var larger = new BitSet(rows.Length);
        dead.Words.CopyTo(larger.Words);
        dead = larger;
    }
}
