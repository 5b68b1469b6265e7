using System.Text.Json;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>A value of user code that no document can hold: fails its change only.</summary>
internal sealed class ActionValueException(string code, string message) : Exception(message)
{
    /// <summary>array_null, value_type.</summary>
    public string Code { get; } = code;
}

/// <summary>
/// The actions of an answered call: for each change an array of actions, each an array that begins with a letter:
/// ["u", id, document], ["p", id, document], ["g", group, [[id, document] …]], ["d", id], ["s", reason], ["f", message, retryable, code].
/// </summary>
internal sealed class ResultReader(IdType idType, ArrayNullPolicy arrayNulls)
{
    // { "actions": [ [ [ "u" …: the array of an action stands at this depth.
    private const int ActionDepth = 3;

    /// <param name="json">A message of type `result`.</param>
    /// <param name="count">How many changes were sent.</param>
    public IReadOnlyList<IReadOnlyList<TransformAction>> Read(ReadOnlySpan<byte> json, int count)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            Expect(ref reader, JsonTokenType.StartObject);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isActions = reader.ValueTextEquals("actions"u8);
                reader.Read();
                if (isActions)
                {
                    return ReadActions(ref reader, count);
                }

                reader.Skip();
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            throw new HostProtocolException("a result is not what the protocol says", wrong);
        }

        throw new HostProtocolException("a result has no actions");
    }

    private List<IReadOnlyList<TransformAction>> ReadActions(ref Utf8JsonReader reader, int count)
    {
        Require(reader.TokenType == JsonTokenType.StartArray);
        var all = new List<IReadOnlyList<TransformAction>>(count);
        var names = new NameMemory();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            all.Add(ReadChange(ref reader, names));
        }

        Require(all.Count == count);
        return all;
    }

    private TransformAction[] ReadChange(ref Utf8JsonReader reader, NameMemory names)
    {
        var start = reader;
        try
        {
            Require(reader.TokenType == JsonTokenType.StartArray);
            var actions = new List<TransformAction>(1);
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                actions.Add(ReadAction(ref reader, names));
            }

            return [.. actions];
        }
        catch (ActionValueException refused)
        {
            reader = start;
            reader.Skip();
            return [new TransformAction(TransformVerb.Fail, Message: refused.Message, Code: refused.Code)];
        }
    }

    private TransformAction ReadAction(ref Utf8JsonReader reader, NameMemory names)
    {
        Require(reader.TokenType == JsonTokenType.StartArray);
        Expect(ref reader, JsonTokenType.String);
        Require(reader.ValueSpan.Length == 1);
        byte letter = reader.ValueSpan[0];
        Require(reader.Read());
        var action = letter switch
        {
            (byte)'u' => new TransformAction(TransformVerb.Upsert, ReadId(ref reader), ReadNextDocument(ref reader, names)),
            (byte)'p' => new TransformAction(TransformVerb.Patch, ReadId(ref reader), ReadNextDocument(ref reader, names)),
            (byte)'g' => new TransformAction(TransformVerb.ReplaceGroup, Group: reader.GetString(), Documents: ReadGroup(ref reader, names)),
            (byte)'d' => new TransformAction(TransformVerb.Delete, ReadId(ref reader)),
            (byte)'s' => new TransformAction(TransformVerb.Skip, Message: reader.GetString()),
            (byte)'f' => ReadFailure(ref reader),
            _ => throw new FormatException("an unknown action"),
        };
        while (reader.TokenType != JsonTokenType.EndArray || reader.CurrentDepth != ActionDepth)
        {
            Require(reader.Read());
        }

        return action;
    }

    private static TransformAction ReadFailure(ref Utf8JsonReader reader)
    {
        string? message = reader.GetString();
        Expect(ref reader, JsonTokenType.Number);
        bool isRetryable = reader.GetInt32() != 0;
        Require(reader.Read());
        string? code = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return new TransformAction(TransformVerb.Fail, Message: message, IsRetryable: isRetryable, Code: code);
    }

    private Value? ReadId(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.Number:
                return IdOf(reader.TryGetUInt64(out ulong number) ? number : throw new ActionValueException("negative_id", "an id is negative"));
            case JsonTokenType.StartArray:
                Expect(ref reader, JsonTokenType.String);
                string digits = reader.GetString()!;
                Expect(ref reader, JsonTokenType.EndArray);
                return IdOf(ulong.TryParse(digits, out number) ? number : throw new ActionValueException("negative_id", $"{digits} is no id"));
            default:
                return IdOf(TransformValueReader.Text(ref reader));
        }
    }

    private Value IdOf(ulong number) =>
        idType is IdType.UInt or IdType.Auto
            ? Value.UInt(number)
            : throw new ActionValueException("value_type", $"an id is the number {number}, not a {Name(idType)}");

    private Value IdOf(byte[] text) => idType switch
    {
        IdType.String or IdType.Auto => Value.Utf8(text),
        IdType.Uuid when Guid.TryParse(System.Text.Encoding.UTF8.GetString(text), out var uuid) => Value.Uuid(uuid.ToByteArray(bigEndian: true)),
        _ => throw new ActionValueException("value_type", $"an id is a text, not a {Name(idType)}"),
    };

    private static string Name(IdType type) => type switch { IdType.UInt => "uint", IdType.Uuid => "uuid", _ => "string" };

    private KeyValuePair<string, Value>[] ReadNextDocument(ref Utf8JsonReader reader, NameMemory names)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        var attributes = new List<KeyValuePair<string, Value>>(names.LastCount);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = names.Read(ref reader, attributes.Count);
            Require(reader.Read());
            if (name == "id")
            {
                // Rows passed on whole bring it; the action's id counts.
                reader.Skip();
            }
            else
            {
                attributes.Add(KeyValuePair.Create(name, TransformValueReader.Read(ref reader, name, arrayNulls)));
            }
        }

        names.LastCount = attributes.Count;
        return [.. attributes];
    }

    private List<DocumentRow> ReadGroup(ref Utf8JsonReader reader, NameMemory names)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        var documents = new List<DocumentRow>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Require(reader.TokenType == JsonTokenType.StartArray && reader.Read());
            var id = ReadId(ref reader) ?? throw new ActionValueException("id_null", "a document of a group has no id");
            documents.Add(new DocumentRow(id, ReadNextDocument(ref reader, names)));
            Expect(ref reader, JsonTokenType.EndArray);
        }

        return documents;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token) => Require(reader.Read() && reader.TokenType == token);

    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new FormatException("unexpected JSON");
        }
    }

    /// <summary>Documents of one call mostly have the same attributes in the same order: their names are made once.</summary>
    private sealed class NameMemory
    {
        private readonly List<string> names = [];

        public int LastCount { get; set; } = 8;

        public string Read(ref Utf8JsonReader reader, int place)
        {
            if (place < names.Count && reader.ValueTextEquals(names[place]))
            {
                return names[place];
            }

            string name = reader.GetString()!;
            if (place < names.Count)
            {
                names[place] = name;
            }
            else if (place == names.Count)
            {
                names.Add(name);
            }

            return name;
        }
    }
}
