using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>Makes ids of rows of one table shape. Thread-safe.</summary>
/// <param name="ordinals">Of the key's columns in the shape, in the order of the key.</param>
/// <param name="kinds">How their texts are read.</param>
internal sealed class IdReader(IdForm form, int[] ordinals, SourceKind[] kinds)
{
    private readonly byte[] prefix = System.Text.Encoding.UTF8.GetBytes(form.Prefix);

    /// <summary>The id of a row; columns that the row has unchanged are taken from <paramref name="fallback"/>, where that exists.</summary>
    /// <exception cref="RowException">negative_id, id_too_long, id_null.</exception>
    public Value Read(in RowTuple row, in RowTuple fallback = default)
    {
        if (form.IsHash)
        {
            return Hash(row, fallback);
        }

        if (form.Type == IdType.String)
        {
            return Text(row, fallback);
        }

        var text = BytesOf(row, fallback, 0);
        return form.Type == IdType.UInt ? UInt(text) : Uuid(text);
    }

    /// <summary>Whether every key column is in the row.</summary>
    public bool IsIn(in RowTuple row)
    {
        foreach (int ordinal in ordinals)
        {
            if (row[ordinal] is ColumnState.Null or ColumnState.Unchanged)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The key's values as the server wrote them: what a row is read again by.</summary>
    public IReadOnlyList<string> KeyOf(in RowTuple row, in RowTuple fallback = default)
    {
        var key = new string[ordinals.Length];
        for (int i = 0; i < key.Length; i++)
        {
            key[i] = System.Text.Encoding.UTF8.GetString(BytesOf(row, fallback, i));
        }

        return key;
    }

    private ReadOnlySpan<byte> BytesOf(in RowTuple row, in RowTuple fallback, int part)
    {
        int ordinal = ordinals[part];
        var state = row[ordinal];
        if (state == ColumnState.Unchanged && fallback.Exists && fallback[ordinal] == ColumnState.Text)
        {
            return fallback.Bytes(ordinal);
        }

        return state == ColumnState.Text
            ? row.Bytes(ordinal)
            : throw new RowException("id_null", $"column \"{form.Columns[part]}\" of the id is null or was not sent", "the id must be unique and not null");
    }

    private Value UInt(ReadOnlySpan<byte> text)
    {
        if (Utf8Parser.TryParse(text, out ulong value, out int used) && used == text.Length)
        {
            return Value.UInt(value);
        }

        throw text is [(byte)'-', ..]
            ? new RowException("negative_id", $"column \"{form.Columns[0]}\" is negative: an integer id cannot be", "set [id] type = \"string\"")
            : new RowException("id_type", $"column \"{form.Columns[0]}\" is no unsigned 64-bit integer", "set [id] type = \"string\"");
    }

    private Value Uuid(ReadOnlySpan<byte> text)
    {
        byte[] uuid = new byte[16];
        return UuidText.TryParse(text, uuid)
            ? Value.Uuid(uuid)
            : throw new RowException("id_type", $"column \"{form.Columns[0]}\" is no UUID", "set [id] type = \"string\"");
    }

    private Value Text(in RowTuple row, in RowTuple fallback)
    {
        if (ordinals.Length == 1 && prefix.Length == 0)
        {
            return Limited(Canonical(kinds[0], BytesOf(row, fallback, 0)).ToArray());
        }

        var id = new ArrayBufferWriter<byte>(IdForm.MaxBytes);
        id.Write(prefix);
        for (int part = 0; part < ordinals.Length; part++)
        {
            if (part > 0)
            {
                id.Write(":"u8);
            }

            var text = Canonical(kinds[part], BytesOf(row, fallback, part));
            if (ordinals.Length == 1 || text.IndexOfAny((byte)':', (byte)'\\') < 0)
            {
                id.Write(text);
                continue;
            }

            foreach (byte character in text)
            {
                if (character is (byte)':' or (byte)'\\')
                {
                    id.Write("\\"u8);
                }

                id.Write([character]);
            }
        }

        return Limited(id.WrittenSpan.ToArray());
    }

    private static Value Limited(byte[] id) => id.Length <= IdForm.MaxBytes
        ? Value.Utf8(id)
        : throw new RowException("id_too_long", $"id has {id.Length} bytes, the limit is {IdForm.MaxBytes}", "set [id] format = \"hash\"");

    /// <summary>A UUID of version 8 (RFC 9562) from the first 16 bytes of the SHA-256 of the length-prefixed values.</summary>
    private Value Hash(in RowTuple row, in RowTuple fallback)
    {
        var content = new ArrayBufferWriter<byte>(128);
        for (int part = 0; part < ordinals.Length; part++)
        {
            var text = Canonical(kinds[part], BytesOf(row, fallback, part));
            BinaryPrimitives.WriteInt32LittleEndian(content.GetSpan(4), text.Length);
            content.Advance(4);
            content.Write(text);
        }

        byte[] uuid = SHA256.HashData(content.WrittenSpan)[..16];
        uuid[6] = (byte)(uuid[6] & 0x0F | 0x80);
        uuid[8] = (byte)(uuid[8] & 0x3F | 0x80);
        return Value.Uuid(uuid);
    }

    /// <summary>One text for values that are equal in the database.</summary>
    private static ReadOnlySpan<byte> Canonical(SourceKind kind, ReadOnlySpan<byte> text) => kind switch
    {
        SourceKind.PaddedText => text.TrimEnd((byte)' '),
        SourceKind.Numeric => IsoText.OfNumeric(text),
        SourceKind.Timestamp or SourceKind.TimestampTz => IsoText.OfTimestamp(text),
        SourceKind.TimeTz => IsoText.OfTimeTz(text),
        _ => text,
    };
}
