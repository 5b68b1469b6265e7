using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Filters;

/// <summary>A handful of documents, filtered by both evaluators, which must agree.</summary>
internal sealed class Documents
{
    private readonly List<Dictionary<string, Value>> rows = [];
    private readonly SchemaBuilder builder = new(NamespaceSchema.Empty, isNewNamespace: true);

    public Documents(params AttributeUpdate[] declarations) => builder.Apply(new SchemaUpdate(declarations), null);

    public NamespaceSchema Schema => builder.Build();

    /// <summary>Adds a document of attribute names and values, in turn; `id` settles the id, else it is the number of the document.</summary>
    public Documents Add(params object?[] namesAndValues)
    {
        var row = new Dictionary<string, Value> { ["id"] = Operands.Of(rows.Count) };
        for (int i = 0; i < namesAndValues.Length; i += 2)
        {
            row[(string)namesAndValues[i]!] = Operands.Of(namesAndValues[i + 1]);
        }

        foreach (var (name, value) in row.ToArray())
        {
            if (name == "id")
            {
                row[name] = builder.CoerceId(value).ToValue();
            }
            else if (builder.ResolveForWrite(name, value) is { } attribute)
            {
                row[name] = builder.Coerce(attribute, value);
            }
        }

        rows.Add(row);
        return this;
    }

    /// <summary>The numbers of the documents that match, with a space between.</summary>
    public string Match(Filter filter)
    {
        var predicate = FilterBinder.Bind(filter, Schema, allowRefNew: false);
        using var columns = new EncodedColumns(rows.Count, (document, attribute) => new Reader(rows[document]).Get(attribute));
        var byColumn = new BitSet(rows.Count, true);
        predicate.Evaluate(columns, byColumn, CancellationToken.None);
        var byDocument = Enumerable.Range(0, rows.Count).Where(i => predicate.Matches(new Reader(rows[i]), null)).ToList();
        Assert.Equal(byDocument, Enumerable.Range(0, rows.Count).Where(i => byColumn[i]));
        return string.Join(' ', byDocument);
    }

    public string Match(string attribute, FilterOperator @operator, object? operand) => Match(new AttributeFilter(attribute, @operator, Operands.Of(operand)));

    public string Error(ErrorKind kind, string attribute, FilterOperator @operator, object? operand) =>
        Error(kind, new AttributeFilter(attribute, @operator, Operands.Of(operand)));

    public string Error(ErrorKind kind, Filter filter)
    {
        var error = Assert.Throws<PuffException>(() => FilterBinder.Bind(filter, Schema, allowRefNew: false));
        Assert.Equal(kind, error.Kind);
        return error.Message;
    }

    /// <summary>Does the condition hold for a stored document and an incoming row (null for deletes)?</summary>
    public bool Holds(Filter condition, int stored, int? incoming) => FilterBinder.Bind(condition, Schema, allowRefNew: true)
        .Matches(new Reader(rows[stored]), incoming is { } number ? new Reader(rows[number]) : null);

    internal sealed class Reader(Dictionary<string, Value> row) : IAttributeReader
    {
        public Value Get(AttributeDefinition attribute) => row.GetValueOrDefault(attribute.Name);
    }
}
