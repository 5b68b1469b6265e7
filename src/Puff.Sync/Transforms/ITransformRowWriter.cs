using System.Text.Json;
using Puff.Sync.Changes;

namespace Puff.Sync.Transforms;

/// <summary>In what form a column's values travel to the process that runs a transform. The numbers are part of the protocol.</summary>
internal enum TransformColumnKind : byte
{
    /// <summary>As the JSON value that the transform sees.</summary>
    Plain = 0,

    /// <summary>A string of digits that becomes a bigint.</summary>
    BigInt = 1,

    /// <summary>Base64 that becomes a Uint8Array.</summary>
    Bytes = 2,

    /// <summary>Base64 of little-endian 32-bit floats that becomes a Float32Array.</summary>
    Vector = 3,

    /// <summary>An array of strings of digits (or null) that becomes an array of bigint.</summary>
    BigIntArray = 4,

    /// <summary>A value of JSON whose attribute is text: passed on as it is, it is written as compact JSON again.</summary>
    Json = 5,
}

/// <summary>Values of columns as a transform sees them: one form for rows of the stream and of snapshots.</summary>
internal interface ITransformRowWriter
{
    TransformColumnKind KindOf(RelationShape relation, int ordinal);

    /// <summary>Writes one value that is neither null nor unchanged, in the form <see cref="KindOf"/> says.</summary>
    void WriteValue(RelationShape relation, int ordinal, ColumnState state, ReadOnlySpan<byte> value, Utf8JsonWriter json);
}
