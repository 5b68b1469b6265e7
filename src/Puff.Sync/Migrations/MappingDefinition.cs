using Puff.Engine.Schema;

namespace Puff.Sync.Migrations;

internal enum MigrationAction { Create, Replace, End }

internal enum IdType { Auto, UInt, Uuid, String }

internal enum IdFormat { Auto, Text, Hash }

internal enum NullPolicy { Omit, Null }

internal enum JsonPolicy { String, Flatten }

internal enum NumericPolicy { Float, String, IntIfExact }

internal enum InfinityPolicy { Null, String, Fail }

internal enum ArrayNullPolicy { Drop, Fail, KeepAsString }

internal enum LongTextPolicy { Unfilterable, Truncate, Fail }

internal enum VectorNullPolicy { NoDocument, Zero, Fail }

internal enum TransformKind { None, TypeScript, CSharp }

internal enum DeleteHandling { Auto, Call }

internal enum SnapshotMode { Concurrent, Exported, None }

internal enum TruncateEvent { Clear, Ignore, Stop }

internal enum DeleteEvent { Delete, Keep, Mark }

internal enum UnchangedPolicy { Auto, OldTuple, Patch, Reread, Stop }

internal enum ErrorPolicy { DeadLetter, Stop, Skip }

internal enum AddedColumnPolicy { Ignore, Include }

internal enum RemovedColumnPolicy { Stop, Null }

internal enum RetypedColumnPolicy { Stop, Convert }

internal enum ReplaceRows { NewChanges, All }

/// <summary>A mapping from a table to a namespace: everything a migration file says, with its defaults filled in, before a catalog was asked.</summary>
internal sealed record MappingDefinition
{
    public required string Name { get; init; }

    public string? Description { get; init; }

    public string Destination { get; init; } = "default";

    public required SourceDefinition Source { get; init; }

    public IdDefinition Id { get; init; } = new();

    public required TargetDefinition Target { get; init; }

    public AttributeOptions Attributes { get; init; } = new();

    public TransformDefinition Transform { get; init; } = new();

    public EmbedDefinition? Embed { get; init; }

    public SnapshotDefinition Snapshot { get; init; } = new();

    public BatchDefinition Batch { get; init; } = new();

    public TruncateEvent OnTruncate { get; init; } = TruncateEvent.Clear;

    public DeleteEvent OnDelete { get; init; } = DeleteEvent.Delete;

    public UnchangedPolicy Unchanged { get; init; } = UnchangedPolicy.Auto;

    /// <summary>Attribute that holds the position; null for none.</summary>
    public string? VersionAttribute { get; init; } = "_sync_position";

    /// <summary>Attribute that holds the hash of the read columns; null for none.</summary>
    public string? RowHashAttribute { get; init; }

    /// <summary>`version.condition`: conditional writes for destinations without tokens. Null is `auto`.</summary>
    public bool? VersionCondition { get; init; }

    public ErrorPolicy Errors { get; init; } = ErrorPolicy.DeadLetter;

    public AddedColumnPolicy DriftAdded { get; init; } = AddedColumnPolicy.Ignore;

    public RemovedColumnPolicy DriftRemoved { get; init; } = RemovedColumnPolicy.Stop;

    public RetypedColumnPolicy DriftRetyped { get; init; } = RetypedColumnPolicy.Stop;

    public ReplaceDefinition? Replace { get; init; }
}

/// <param name="Columns">Columns to read; null for all that can be published, less <paramref name="Exclude"/>.</param>
/// <param name="PushFilter">Null is `auto`.</param>
internal sealed record SourceDefinition(
    string Table, string Schema = "public", IReadOnlyList<string>? Columns = null, IReadOnlyList<string>? Exclude = null, string? Where = null,
    bool? PushFilter = null);

/// <param name="Columns">Null for the primary key.</param>
internal sealed record IdDefinition(IReadOnlyList<string>? Columns = null, IdType Type = IdType.Auto, IdFormat Format = IdFormat.Auto);

/// <param name="Namespace">Before the destination's prefix.</param>
/// <param name="Schema">Declared attributes: name → declaration.</param>
internal sealed record TargetDefinition(
    string Namespace, bool Shared = false, string? IdPrefix = null, DistanceMetric? Metric = null, string? Alias = null,
    IReadOnlyList<AttributeUpdate>? Schema = null);

internal sealed record AttributeOptions
{
    public IReadOnlyDictionary<string, string> Rename { get; init; } = new Dictionary<string, string>();

    /// <summary>Column → attribute type in the wire form.</summary>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> Drop { get; init; } = [];

    public NullPolicy Nulls { get; init; }

    public JsonPolicy Json { get; init; }

    public NumericPolicy Numeric { get; init; }

    public InfinityPolicy Infinity { get; init; }

    public ArrayNullPolicy ArrayNulls { get; init; }

    public LongTextPolicy LongText { get; init; }

    public VectorNullPolicy VectorNull { get; init; }

    /// <summary>Zone of `timestamp` values; null for UTC.</summary>
    public string? TimestampZone { get; init; }
}

/// <param name="Needs">Columns the code reads; null for all that are read.</param>
/// <param name="RecomputeOn">Columns whose change makes a full run necessary; null for <paramref name="Needs"/>.</param>
/// <param name="TypeName">Of C# transforms: the class.</param>
/// <param name="CustomIds">`ids = "custom"`: actions may name other ids than the change's.</param>
internal sealed record TransformDefinition(
    TransformKind Kind = TransformKind.None, string Entry = "transform.ts", string? TypeName = null, IReadOnlyList<string>? Needs = null,
    IReadOnlyList<string>? RecomputeOn = null, int BatchRows = 256, int Concurrency = 1, TimeSpan? Timeout = null,
    DeleteHandling OnDelete = DeleteHandling.Auto, bool CustomIds = false);

/// <summary>Built-in embedding of columns into a vector attribute.</summary>
internal sealed record EmbedDefinition(
    IReadOnlyList<string> From, string Template, string Attribute, string Provider, string? BaseUrl, string Model, int? Dimensions, int MaxTokens = 8000,
    int Batch = 128, int? RequestsPerMinute = null, int? TokensPerMinute = null, string OnError = "retry", string Cache = "destination",
    long? MaxTokensPerDay = null);

/// <param name="Order">Columns of an indexed unique list; null for the id's.</param>
internal sealed record SnapshotDefinition(
    SnapshotMode Mode = SnapshotMode.Concurrent, int? PageRows = null, IReadOnlyList<string>? Order = null, string? StartAfter = null, string? StopAt = null);

/// <summary>What is null is the project's.</summary>
internal sealed record BatchDefinition(int? MaxRows = null, long? MaxBytes = null, TimeSpan? MaxDelay = null);

internal sealed record ReplaceDefinition(ReplaceRows Rows = ReplaceRows.NewChanges, bool NewNamespace = false, bool DropOld = false);
