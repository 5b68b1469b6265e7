using Puff.Engine.Formats;
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

    public AttributeDefinition Attribute { get; } = attribute;

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => new ColumnReader(this, view.GetColumn(Attribute) as ScalarColumn);

    public override ScoreReader OpenRows(DocumentSet set) => new RowReader(this, set);

    private double Score(long bits) => origin is { } from ? from.Distance(Attribute.Type.Kind, bits) : Number(Attribute.Type.Kind, bits);

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
