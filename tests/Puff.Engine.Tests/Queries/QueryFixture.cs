using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>A namespace of fake sets to query: small to write down, with every shape a real one has.</summary>
internal sealed class QueryFixture : IDisposable
{
    private readonly List<FakeDocumentSet> sets = [];
    private readonly List<FakeDocument> live = [];

    public QueryFixture(NamespaceSchema schema) => Schema = schema;

    public QueryFixture(DistanceMetric? metric, params (string Name, TypeKind Kind, int Dimensions)[] attributes)
        : this(new NamespaceSchema(IdKind.UInt, metric, attributes.Select((a, i) => Attribute(i + 1, a.Name, a.Kind, a.Dimensions))))
    {
    }

    public static DateTimeOffset LastWriteAt { get; } = new(2026, 9, 1, 10, 0, 0, TimeSpan.Zero);

    public NamespaceSchema Schema { get; }

    /// <summary>All live documents, for models.</summary>
    public IReadOnlyList<FakeDocument> Live => live;

    public NamespaceSnapshot Snapshot => new("test", Schema, sets, 7, LastWriteAt, null);

    public static AttributeDefinition Attribute(int id, string name, TypeKind kind, int dimensions = 0)
    {
        var type = new AttributeType(kind, dimensions);
        return new AttributeDefinition(id, name, type)
        {
            Filterable = type.CanFilter,
            Ann = type.IsDenseVector,
            LateInteraction = type.IsMultiVector,
            SparseKnn = type.IsSparse,
        };
    }

    public QueryFixture Add(IReadOnlyList<FakeDocument> documents, bool isTail, IReadOnlyCollection<int>? dead = null, int blockRows = 5)
    {
        sets.Add(new FakeDocumentSet(Schema, documents, isTail, dead ?? [], blockRows));
        live.AddRange(documents.Where((_, i) => dead?.Contains(i) != true));
        return this;
    }

    /// <summary>Half of the documents in a segment, half in the tail.</summary>
    public QueryFixture Add(params FakeDocument[] documents)
    {
        int half = documents.Length / 2;
        return Add(documents[..half], isTail: false).Add(documents[half..], isTail: true);
    }

    public static FakeDocument Row(ulong id, params (string Name, Value Value)[] values) =>
        new(DocumentId.FromUInt(id), values.ToDictionary(v => v.Name, v => v.Value));

    public static Filter Where(string attribute, FilterOperator op, Value operand) => new AttributeFilter(attribute, op, operand);

    public static VectorRank Ann(string attribute, params float[] vector) => new(attribute, new VectorOperand(vector, vector.Length, false), Exact: false);

    public static OrderRank Order(params (string Attribute, bool Descending)[] keys) => new([.. keys.Select(k => new OrderKey(k.Attribute, k.Descending))]);

    public QueryResult Query(QueryRequest request) => QueryExecutor.Execute(Snapshot, request, TestContext.Current.CancellationToken);

    public MultiQueryResult Query(MultiQueryRequest request) => QueryExecutor.Execute(Snapshot, request, TestContext.Current.CancellationToken);

    public string Explain(QueryRequest request) => QueryExecutor.Explain(Snapshot, request, TestContext.Current.CancellationToken);

    public string Explain(MultiQueryRequest request) => QueryExecutor.Explain(Snapshot, request, TestContext.Current.CancellationToken);

    public RecallResult Recall(RecallRequest request, Random random) =>
        QueryExecutor.MeasureRecall(Snapshot, request, random, TestContext.Current.CancellationToken);

    /// <summary>The integer ids of the rows, in order.</summary>
    public ulong[] Ids(QueryRequest request) => [.. Query(request).Rows!.Select(r => r.Id.AsUInt)];

    public void Fails(ErrorKind kind, string part, QueryRequest request)
    {
        var error = Assert.Throws<PuffException>(() => Query(request));
        Assert.Equal(kind, error.Kind);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => sets.ForEach(s => s.Dispose());
}
