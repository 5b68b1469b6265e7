using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class SchemaDeclarationTests
{
    [Fact]
    public void Plain_attributes_are_filterable_and_numbered_from_one()
    {
        var builder = Make.Builder(Make.Shorthand("a", "int"), new AttributeUpdate("b") { Type = "string", Filterable = false });
        var schema = builder.Build();
        Assert.Equal(new AttributeDefinition(1, "a", new(TypeKind.Int)) { Filterable = true }, schema.Find("a"));
        Assert.Equal(new AttributeDefinition(2, "b", new(TypeKind.String)), schema.Find("b"));
        Assert.True(builder.Changed);
    }

    [Fact]
    public void Full_text_has_all_defaults_and_turns_filterable_off()
    {
        var definition = Make.Builder(new AttributeUpdate("t") { Type = "string", FullText = new(true) }).Build().Find("t")!;
        Assert.False(definition.Filterable);
        Assert.Equal(new FullTextSettings(), definition.FullText);
        var settings = definition.FullText!;
        Assert.Equal(("word_v4", "english", 39), (settings.Tokenizer, settings.Language, settings.MaxTokenLength));
        Assert.Equal((1.2, 0.75, 8.0), (settings.K1, settings.B, settings.K3));
        Assert.False(settings.Stemming || settings.RemoveStopwords || settings.CaseSensitive || settings.AsciiFolding);
    }

    [Fact]
    public void Search_options_turn_filterable_off_unless_it_is_asked_for()
    {
        var schema = Make.Builder(
            new("r") { Type = "string", Regex = true },
            new("g") { Type = "[]string", Glob = true },
            new("f") { Type = "string", Fuzzy = true },
            new("both") { Type = "string", FullText = new(true), Filterable = true },
            new("off") { Type = "string", Regex = false, FullText = new(false) }).Build();
        Assert.All(["r", "g", "f"], name => Assert.False(schema.Find(name)!.Filterable));
        Assert.All(["both", "off"], name => Assert.True(schema.Find(name)!.Filterable));
        Assert.NotNull(schema.Find("both")!.FullText);
    }

    [Fact]
    public void Updates_keep_what_they_do_not_mention_and_merge_full_text_keys()
    {
        var settings = new FullTextUpdate(true) { Stemming = true, K1 = 2 };
        var builder = Make.Later(new AttributeUpdate("t") { Type = "string", Regex = true, Filterable = true, FullText = settings });
        builder.Declare(new AttributeUpdate("t") { Type = "string", FullText = new(true) { K1 = 3 } });
        var definition = builder.Build().Find("t")!;
        Assert.True(definition.Regex && definition.Filterable && definition.FullText!.Stemming);
        Assert.Equal(3, definition.FullText!.K1);
        Assert.Equal(1, definition.Id);
    }

    [Fact]
    public void The_shorthand_resets_search_options_but_keeps_filterable()
    {
        var builder = Make.Later(new AttributeUpdate("t") { Type = "string", Regex = true, Glob = true, Fuzzy = true, FullText = new(true) });
        builder.Declare(Make.Shorthand("t", "string"));
        Assert.Equal(new AttributeDefinition(1, "t", new(TypeKind.String)), builder.Build().Find("t"));
    }

    [Fact]
    public void Repeating_a_declaration_changes_nothing()
    {
        var current = Make.Builder(Make.Vector("v", "[2]f16"), new("t") { Type = "string", FullText = new(true) }).Build();
        var builder = new SchemaBuilder(current, isNewNamespace: false);
        builder.Apply(new SchemaUpdate([Make.Vector("v", "[2]f16"), new("t") { Type = "string", FullText = new(true) }]), DistanceMetric.CosineDistance);
        Assert.False(builder.Changed);
        Assert.Same(current, builder.Build());
    }

    [Theory]
    [InlineData("int")]
    [InlineData("[]string")]
    public void Types_never_change(string type)
    {
        var builder = Make.Later(Make.Shorthand("a", "string"));
        Assert.Contains("never changes", Make.Error(ErrorKind.Invalid, () => builder.Declare(Make.Shorthand("a", type))));
    }

    [Fact]
    public void At_most_two_dense_vectors_and_only_at_creation()
    {
        var two = new[] { Make.Vector("a", "[2]f32"), Make.Vector("b", "[3]i8") };
        Assert.Equal(2, Make.Builder(two).Build().DenseVectors.Count());
        Make.Error(ErrorKind.Invalid, () => Make.Builder([.. two, Make.Vector("c", "[2]f16")]));
        var later = Make.Later(Make.Shorthand("x", "int"));
        Assert.Contains("created", Make.Error(ErrorKind.Invalid, () => later.Declare(Make.Vector("v", "[2]f32"))));
        Assert.Contains("created", Make.Error(ErrorKind.Invalid, () => later.ResolveForWrite("vector", Value.Vector([1f]))));
    }

    [Fact]
    public void Metrics_must_agree()
    {
        var ann = new AttributeUpdate("v") { Type = "[2]f32", Ann = true, AnnMetric = DistanceMetric.EuclideanSquared };
        var builder = new SchemaBuilder(NamespaceSchema.Empty, true);
        builder.Declare(ann);
        var schema = builder.Build();
        Assert.Equal(DistanceMetric.EuclideanSquared, schema.Metric);
        Make.Error(ErrorKind.Invalid, () => Make.Builder(ann));
        Make.Error(ErrorKind.Invalid, () => new SchemaBuilder(schema, false).Apply(null, DistanceMetric.CosineDistance));
        new SchemaBuilder(schema, false).Apply(null, DistanceMetric.EuclideanSquared);
        new SchemaBuilder(schema, false).CheckDistanceMetric();
    }

    [Fact]
    public void The_first_vectors_need_a_metric()
    {
        var builder = new SchemaBuilder(NamespaceSchema.Empty, true);
        builder.CheckDistanceMetric();
        builder.ResolveForWrite("vector", Value.Array([1L, 2]));
        Assert.Contains("distance_metric", Make.Error(ErrorKind.Invalid, builder.CheckDistanceMetric));
        Make.Error(ErrorKind.Invalid, () => builder.Build());
    }

    [Fact]
    public void A_namespace_without_vectors_stores_no_metric()
    {
        var builder = Make.Builder(Make.Shorthand("a", "int"));
        Assert.Null(builder.Build().Metric);
    }

    public static TheoryData<string, AttributeUpdate> Invalid => new()
    {
        { "ann missing", new("v") { Type = "[2]f32" } },
        { "ann false", new("v") { Type = "[2]f32", Ann = false } },
        { "ann on a string", new("a") { Type = "string", Ann = true } },
        { "late interaction on a dense vector", new("v") { Type = "[2]f32", Ann = true, LateInteraction = true } },
        { "filterable vector", new("v") { Type = "[2]f32", Ann = true, Filterable = true } },
        { "filterable sparse", new("v") { Type = "{}f16", Filterable = true } },
        { "filterable bytes", new("v") { Type = "bytes", Filterable = true } },
        { "sparse_knn on a string", new("a") { Type = "string", SparseKnn = true } },
        { "regex on an int", new("a") { Type = "int", Regex = true } },
        { "full text on an int", new("a") { Type = "int", FullText = new(true) } },
        { "dimensions", new("v") { Type = "[10753]f32", Ann = true } },
        { "unknown array", new("a") { Type = "[]unknown" } },
        { "embed", new("a") { Type = "string", Embed = true } },
        { "max_token_length 0", Text(new(true) { MaxTokenLength = 0 }) },
        { "max_token_length 255", Text(new(true) { MaxTokenLength = 255 }) },
        { "b", Text(new(true) { B = 1.5 }) },
        { "b below", Text(new(true) { B = -0.1 }) },
        { "k1", Text(new(true) { K1 = 0 }) },
        { "k3", Text(new(true) { K3 = double.NaN }) },
        { "stemming and case", Text(new(true) { Stemming = true, CaseSensitive = true }) },
        { "stop words", Text(new(true) { RemoveStopwords = true, Language = "arabic" }) },
        { "pre-tokenized string", Text(new(true) { Tokenizer = "pre_tokenized_array" }) },
        { "pre-tokenized language", Text(new(true) { Tokenizer = "pre_tokenized_array", Language = "english" }, "[]string") },
        { "pre-tokenized stemming", Text(new(true) { Tokenizer = "pre_tokenized_array", Stemming = true }, "[]string") },
        { "pre-tokenized stop words", Text(new(true) { Tokenizer = "pre_tokenized_array", RemoveStopwords = true }, "[]string") },
        { "pre-tokenized case", Text(new(true) { Tokenizer = "pre_tokenized_array", CaseSensitive = false }, "[]string") },
        { "dollar", Make.Shorthand("$x", "int") },
        { "empty name", Make.Shorthand("", "int") },
        { "long name", Make.Shorthand(new string('x', 129), "int") },
        { "id as int", Make.Shorthand("id", "int") },
        { "id not filterable", new("id") { Type = "uint", Filterable = false } },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Contradictions_are_invalid(string what, AttributeUpdate declaration)
    {
        Assert.NotEmpty(what);
        Make.Error(ErrorKind.Invalid, () => Make.Builder(declaration));
    }

    public static TheoryData<AttributeUpdate> Malformed =>
    [
        new AttributeUpdate("a") { Regex = true },
        Make.Shorthand("a", "text"),
        Text(new(true) { Tokenizer = "nope" }),
        Text(new(true) { Language = "klingon" }),
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Unknown_variants_are_malformed(AttributeUpdate declaration) => Make.Error(ErrorKind.Malformed, () => Make.Builder(declaration));

    [Fact]
    public void Harmless_declarations_are_accepted()
    {
        var schema = Make.Builder(
            new("a") { Type = "string", Ann = false, SparseKnn = false },
            new("m") { Type = "[][4]f32", Ann = true, LateInteraction = true },
            new("s") { Type = "{}f16", SparseKnn = true },
            Text(new(true) { Tokenizer = "pre_tokenized_array" }, "[]string"),
            Make.Shorthand(new string('n', 128), "[]uuid")).Build();
        Assert.True(schema.Find("m")!.LateInteraction && schema.Find("s")!.SparseKnn);
        Assert.True(schema.Find("t")!.FullText!.CaseSensitive);
    }

    [Fact]
    public void Reported_settings_of_a_pre_tokenized_attribute_can_be_sent_back()
    {
        var builder = Make.Later(Text(new(true) { Tokenizer = "pre_tokenized_array" }, "[]string"));
        builder.Declare(Text(new(true) { Tokenizer = "pre_tokenized_array", Language = "english", CaseSensitive = true, Stemming = false }, "[]string"));
        Assert.False(builder.Changed);
    }

    [Fact]
    public void At_most_1024_attributes()
    {
        var builder = Make.Builder([.. Enumerable.Range(0, 1_023).Select(i => Make.Shorthand($"a{i}", "int"))]);
        builder.ResolveForWrite("last", Value.Int(1));
        builder.ResolveForWrite("a5", Value.Int(1));
        Assert.Contains("1024", Make.Error(ErrorKind.Invalid, () => builder.ResolveForWrite("more", Value.Int(1))));
    }

    private static AttributeUpdate Text(FullTextUpdate update, string type = "string") => new("t") { Type = type, FullText = update };
}
