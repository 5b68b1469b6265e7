using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>
/// A numeric attribute's value, or its distance from an origin. Every document is scored by a plain value (a missing one counts 0); a missing value has no
/// distance, so that document is not scored.
/// </summary>
/// <param name="origin">Null for the plain value.</param>
internal sealed class AttributeScoreNode(AttributeDefinition attribute, ScoreOrigin? origin) : ScoreNode
{
    public override bool IsAttributeDerived => true;

    private NamespaceSnapshot? snapshot;
    private double? largest;

    public AttributeDefinition Attribute { get; } = attribute;

    /// <summary>Of the values in all sets, which are looked at when this is first asked for.</summary>
    public override double LargestScore => largest ??= snapshot is null ? double.PositiveInfinity : snapshot.Sets.Max(LargestOf);

    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation) => this.snapshot = snapshot;

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => new ColumnReader(this, view.GetColumn(Attribute) as ScalarColumn);

    public override ScoreReader OpenRows(DocumentSet set) => new RowReader(this, set);

    private double Score(long bits) => origin is { } from ? from.Distance(Attribute.Type.Kind, bits) : Number(Attribute.Type.Kind, bits);

    /// <summary>Zones serve later queries too; the tail has none, and is looked at.</summary>
    private double LargestOf(DocumentSet set)
    {
        if (set.Columns is { } columns)
        {
            return columns.GetColumn(Attribute) is ScalarColumn column ? LargestOf(column.Zones.Ends(column, 0, column.Count)) : 0;
        }

        double most = 0;
        for (int document = set.Live.NextSet(0); document >= 0; document = set.Live.NextSet(document + 1))
        {
            if (set.GetValue(document, Attribute) is { IsNull: false } value)
            {
                most = Math.Max(most, Score(BuiltColumn.Bits(value)));
            }
        }

        return most;
    }

    /// <summary>A plain value, and a distance too, is largest at one of the ends.</summary>
    private double LargestOf((long Least, long Greatest)? ends) => ends is { } known ? Math.Max(Score(known.Least), Score(known.Greatest)) : 0;

    private bool ScoresMissing => origin is null;

    /// <summary>A 64-bit scalar as a double; datetimes in ms.</summary>
    public static double Number(TypeKind kind, long bits) => kind switch
    {
        TypeKind.Float => BitConverter.Int64BitsToDouble(bits),
        TypeKind.UInt => unchecked((ulong)bits),
        _ => bits,
    };

    private sealed class ColumnReader(AttributeScoreNode node, ScalarColumn? column) : ScoreReader
    {
        public override double LargestIn(int first, int end) => column is null ? 0 : node.LargestOf(column.Zones.Ends(column, first, end));

        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            for (int i = 0; i < documents.Length; i++)
            {
                bool isPresent = column is not null && column.Present[documents[i]];
                scored[i] = isPresent || node.ScoresMissing;
                scores[i] = isPresent ? node.Score(column!.Values[documents[i]]) : 0;
            }
        }
    }

    private sealed class RowReader(AttributeScoreNode node, DocumentSet set) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            for (int i = 0; i < documents.Length; i++)
            {
                var value = set.GetValue(documents[i], node.Attribute);
                scored[i] = !value.IsNull || node.ScoresMissing;
                scores[i] = value.IsNull ? 0 : node.Score(BuiltColumn.Bits(value));
            }
        }
    }
}

/// <summary>Where a `Dist` measures from. Integers (and datetimes in ms) are subtracted exactly, floats as doubles.</summary>
internal readonly record struct ScoreOrigin(Int128 Integer, double Number)
{
    public double Distance(TypeKind kind, long bits) => kind switch
    {
        TypeKind.Float => Math.Abs(BitConverter.Int64BitsToDouble(bits) - Number),
        TypeKind.UInt => (double)Int128.Abs((Int128)unchecked((ulong)bits) - Integer),
        _ => (double)Int128.Abs((Int128)bits - Integer),
    };
}
