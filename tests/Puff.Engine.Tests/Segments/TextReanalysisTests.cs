using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Segments;

/// <summary>An index that is sound in itself, but not that of the rows beside it, is found by analysing rows again.</summary>
public sealed class TextReanalysisTests
{
    [Theory]
    [InlineData(300, 0)]
    [InlineData(300, 299)]
    [InlineData(5_000, 2_500)]
    public async Task An_index_of_other_texts_is_found(int documents, int changed)
    {
        var schema = new NamespaceSchema(IdKind.UInt, null, [TextSamples.Attribute]);
        string?[] texts = [.. TextSamples.Documents(documents, 5).Select(d => d is null ? null : string.Join(' ', d.OfType<string>()))];
        await using var store = new MemoryObjectStore();
        var right = await BuildAsync(store, "seg/1", schema, texts);
        Assert.Empty(await SegmentVerifier.VerifyAsync(store, right, [], TestContext.Current.CancellationToken));

        // As many tokens, but another one.
        texts[changed] = "w0 w1 w2";
        right = await BuildAsync(store, "seg/2", schema, texts);
        texts[changed] = "w0 w1 w3";
        var wrong = await BuildAsync(store, "seg/3", schema, texts);
        await StoredObjects.WriteAsync(store, right.KeyOf("text"), await StoredObjects.ReadAsync(store, wrong.KeyOf("text")));
        var mixed = right with { Parts = [.. right.Parts.Select(p => p.Name == "text" ? wrong.Parts.Single(w => w.Name == "text") : p)] };
        var problem = Assert.Single(await SegmentVerifier.VerifyAsync(store, mixed, [], TestContext.Current.CancellationToken));
        Assert.Equal("seg/2.text", problem.Key);
        Assert.Contains($"document {changed} has a term 1 times in its row, and 0 times in the index", problem.Message, StringComparison.Ordinal);
    }

    private static Task<SegmentDescriptor> BuildAsync(
        MemoryObjectStore store, string key, NamespaceSchema schema, string?[] texts)
    {
        var documents = texts.Select((text, i) => new ModelDocument(
            DocumentId.FromUInt((ulong)i),
            text is null ? new Dictionary<int, Value>() : new Dictionary<int, Value> { [TextSamples.Attribute.Id] = Value.String(text) }));
        return SegmentChecks.BuildAsync(store, key, schema, [.. documents], TestContext.Current.CancellationToken);
    }
}
