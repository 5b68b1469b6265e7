using System.Text.Json.Serialization;

namespace Puff.Sync.State;

/// <summary>A column inside relation_version.columns.</summary>
internal sealed record StoredColumn(string Name, uint Type, int Modifier, bool Key);

/// <summary>What the state keeps as jsonb.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoredColumn[]))]
[JsonSerializable(typeof(IEnumerable<StoredColumn>))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(string[][]))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<string>>))]
internal sealed partial class StateJson : JsonSerializerContext;
