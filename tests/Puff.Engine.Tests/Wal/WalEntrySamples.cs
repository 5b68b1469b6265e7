using System.Runtime.InteropServices;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Wal;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;

namespace Puff.Engine.Tests.Wal;

/// <summary>Entries that use everything the format can say, always the same.</summary>
internal static class WalEntrySamples
{
    public const string Key = "puff/ns/test/wal/00000000000000ab/00000000000000000001";
    public const ulong Epoch = 0xAB;

    public static WalEntryHeader Header { get; } = new()
    {
        Epoch = Epoch,
        Sequence = 1,
        WriterId = new UInt128(0x0102030405060708, 0x090A0B0C0D0E0F10),
        BatchId = new UInt128(0x1112131415161718, 0x191A1B1C1D1E1F20),
        TimestampMs = 1_700_000_000_123,
        Flags = WalEntryFlags.None,
        Operations = 0,
    };

    /// <summary>Schema, settings, upserts with two vectors each, a patch with a null, a delete, a patch of an absent document.</summary>
    public static byte[] EveryOperation(IdKind kind)
    {
        var schema = SampleSchema.Of(kind);
        var documents = EveryType.Documents(schema, 5, seed: 3, nulls: 0);
        using var draft = new EntryDraft { Schema = schema, Options = new NamespaceOptions { PinnedReplicas = 2, ReadOnly = true, Shards = 300 } };
        foreach (var document in documents)
        {
            draft.Upsert(document.Id, ModelSource.Row(schema, document));
            foreach (var attribute in schema.DenseVectors)
            {
                draft.Vector(attribute, VectorBytes(document.Get(attribute)));
            }
        }

        using var writer = new Puff.Engine.Encoding.ByteWriter();
        List<(AttributeDefinition, Value)> patch = [(EveryType.Title, Value.Null), (EveryType.Body, Value.String("patched"))];
        RowFormat.WritePatch(writer, patch);
        draft.Patch(documents[1].Id, writer.Written.AsSpan());
        draft.Patch(EveryType.Id(kind, 99), writer.Written.AsSpan());
        draft.Delete(documents[2].Id);
        return Build(draft);
    }

    /// <summary>Tokens beside everything else.</summary>
    public static byte[] Tokens()
    {
        using var draft = new EntryDraft
        {
            Schema = new NamespaceSchema(IdKind.UInt, null, []),
            Tokens = [new NamespaceToken("a/posts/1", "00000000016B3748/00000007", "cursor"), new NamespaceToken("b/users/2", "0", null)],
        };
        draft.Delete(EveryType.Id(IdKind.UInt, 5));
        return Build(draft);
    }

    public static byte[] Deletion()
    {
        using var draft = new EntryDraft { DeletesNamespace = true };
        return Build(draft);
    }

    public static WalEntry Open(byte[] bytes) => WalEntry.Open(Key, NativeObjectMemory.CopyOf(bytes), Epoch, 1);

    /// <summary>The namespace that begins with this entry, as text: everything a reader could see.</summary>
    /// <exception cref="PuffException">Corrupt, and nothing else, whatever the bytes.</exception>
    public static string Describe(byte[] bytes)
    {
        var entry = Open(bytes);
        var state = new NamespaceState("test", new Manifest { Epoch = Epoch }, [], []);
        try
        {
            try
            {
                state.Apply(entry);
            }
            catch
            {
                entry.Memory.Release();
                throw;
            }

            using var snapshot = state.Snapshot();
            var lines = new List<string>
            {
                $"{entry.Header} {state.IsLive} {state.Sequence} {snapshot.LastWriteAt:O} {snapshot.UpdatedAt:O}",
                SampleSchema.Text(snapshot.Schema),
                SampleSchema.Text(snapshot.Options),
            };
            lines.AddRange(snapshot.Tokens.Select(t => t.ToString()));
            foreach (var set in snapshot.Sets)
            {
                for (int document = set.Live.NextSet(0); document >= 0; document = set.Live.NextSet(document + 1))
                {
                    lines.Add($"{set.GetId(document)}: {string.Join(' ', snapshot.Schema.Attributes.Select(a => ValueText.Of(set.GetValue(document, a))))}");
                }
            }

            return string.Join('\n', lines);
        }
        finally
        {
            state.Release();
        }
    }

    private static byte[] Build(EntryDraft draft)
    {
        var memory = draft.Build(Header);
        byte[] bytes = memory.Span.ToArray();
        memory.Release();
        return bytes;
    }

    private static ReadOnlySpan<byte> VectorBytes(Value value) => value.Kind switch
    {
        ValueKind.VectorF32 => MemoryMarshal.AsBytes<float>(value.AsVectorF32),
        _ => MemoryMarshal.AsBytes<Half>(value.AsVectorF16),
    };
}
