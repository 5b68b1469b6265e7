using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>What a transform printed or logged.</summary>
/// <param name="Level">debug, info, warn or error.</param>
/// <param name="Mapping">Null when that is not known.</param>
/// <param name="Fields">An object, or null.</param>
internal sealed record TransformLog(string Level, string? Mapping, string Text, JsonElement? Fields = null);

/// <param name="Model">Null for the mapping's.</param>
/// <param name="Kind">document or query.</param>
internal sealed record EmbedOptions(string? Model = null, int? Dimensions = null, string Kind = "document");

/// <summary>What the context of a transform offers: `log`, `embed`, `cache`, `lookup`. An exception becomes the rejection of the call in user code.</summary>
internal interface ITransformServices
{
    void Log(TransformLog entry);

    /// <summary>One vector for each text, in order.</summary>
    Task<IReadOnlyList<float[]>> EmbedAsync(string mapping, IReadOnlyList<string> texts, EmbedOptions options, CancellationToken cancellation);

    Task<byte[]?> ReadCacheAsync(string mapping, string key, CancellationToken cancellation);

    Task WriteCacheAsync(string mapping, string key, byte[] value, CancellationToken cancellation);

    /// <summary>Rows of a named lookup as JSON objects.</summary>
    /// <param name="keys">An array.</param>
    Task<IReadOnlyList<JsonElement>> LookUpAsync(string mapping, string name, JsonElement keys, CancellationToken cancellation);
}
