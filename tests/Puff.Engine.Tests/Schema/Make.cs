using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

/// <summary>Short ways to schemas and errors for the tests of this folder.</summary>
internal static class Make
{
    public static SchemaBuilder Builder(params AttributeUpdate[] declarations)
    {
        var builder = new SchemaBuilder(NamespaceSchema.Empty, isNewNamespace: true);
        builder.Apply(new SchemaUpdate(declarations), DistanceMetric.CosineDistance);
        return builder;
    }

    /// <summary>A builder on an existing namespace with these attributes.</summary>
    public static SchemaBuilder Later(params AttributeUpdate[] declarations) => new(Builder(declarations).Build(), isNewNamespace: false);

    public static void Declare(this SchemaBuilder builder, params AttributeUpdate[] declarations) => builder.Apply(new SchemaUpdate(declarations), null);

    public static AttributeUpdate Shorthand(string name, string type) => new(name) { Type = type, IsShorthand = true };

    public static AttributeUpdate Vector(string name, string type) => new(name) { Type = type, Ann = true };

    public static AttributeDefinition Attribute(string type, bool filterable = true)
    {
        Assert.True(AttributeType.TryParse(type, out var parsed));
        return new AttributeDefinition(1, "a", parsed) { Filterable = filterable && parsed.CanFilter };
    }

    public static string Error(ErrorKind kind, Action action)
    {
        var error = Assert.Throws<PuffException>(action);
        Assert.Equal(kind, error.Kind);
        return error.Message;
    }
}
