using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Turns the requests of one batch into resolved operations: conditions and filters are evaluated here, against the state the entry will follow, so that
/// replaying
/// the log needs no evaluation (design 3.2). A request either resolves whole or leaves no trace in the draft.
/// </summary>
internal sealed class WriteResolver(EngineSettings settings, NamespaceState state, string name, EntryDraft draft) : IDisposable
{
    private readonly StagedDocuments staged = new(state, draft);
    private readonly ByteWriter rowBuffer = new(1 << 12);
    private readonly HashSet<DocumentId> explicitIds = [];
    private readonly List<(AttributeDefinition Attribute, Value Value)> sparsePart = [];
    private NamespaceSchema schema = draft.Schema ?? (state.IsLive ? state.Schema : NamespaceSchema.Empty);
    private NamespaceOptions options = draft.Options ?? (state.IsLive ? state.Options : new NamespaceOptions());
    private bool exists = state.IsLive;

    // Of the request being resolved.
    private SchemaBuilder builder = null!;
    private WriteRequest request = null!;
    private Tally tally = new();

    /// <summary>Appends one request's operations to the draft.</summary>
    /// <exception cref="PuffException">The request is wrong for this state; the draft is as before.</exception>
    public WriteResult Resolve(WriteRequest write)
    {
        var mark = draft.Save();
        try
        {
            return ResolveOrThrow(write);
        }
        catch
        {
            draft.Restore(mark);
            staged.Reset();
            throw;
        }
    }

    /// <summary>Appends a change of the settings.</summary>
    public void Resolve(MetadataPatch patch)
    {
        RequireExistence();
        options = options with
        {
            PinnedReplicas = patch.SetsPinning ? patch.PinnedReplicas ?? 0 : options.PinnedReplicas,
            ReadOnly = patch.ReadOnly ?? options.ReadOnly,
        };
        draft.Options = options;
    }

    /// <summary>Appends the end of the namespace. Nothing may follow in the batch.</summary>
    public void ResolveDeletion()
    {
        RequireExistence();
        draft.DeletesNamespace = true;
        exists = false;
    }

    /// <summary>Appends the end of an epoch without documents, if it has not ended anyway. Nothing may follow in the batch.</summary>
    public void ResolveEndOfEmpty()
    {
        if (state.LiveDocuments > 0 || draft.OperationCount > 0)
        {
            throw PuffException.Conflict($"namespace \"{name}\" was written to meanwhile; it has documents now");
        }

        if (!state.IsDeleted && !state.Manifest.Deleted && state.Manifest.Epoch != 0)
        {
            draft.DeletesNamespace = true;
            exists = false;
        }
    }

    public void Dispose() => rowBuffer.Dispose();

    private void RequireExistence()
    {
        if (!exists)
        {
            throw PuffException.NotFound($"namespace \"{name}\" does not exist");
        }
    }

    private WriteResult ResolveOrThrow(WriteRequest write)
    {
        if (options.ReadOnly)
        {
            throw PuffException.Invalid("💔 Writes not permitted. This namespace is read-only.");
        }

        if (write.Token is { } token && TokenCheck.IsRepeated(CurrentToken(token.Name), write, name))
        {
            return new Tally().ToResult(write);
        }

        if (!exists && write.Upserts is not { Count: > 0 } && write.Token is null)
        {
            throw PuffException.NotFound($"namespace \"{name}\" does not exist; it is created by the first write that upserts documents");
        }

        request = write;
        tally = new Tally();
        builder = new SchemaBuilder(schema, isNewNamespace: !exists || schema.IdKind is null);
        explicitIds.Clear();
        CheckConditions();
        builder.Apply(write.Schema, write.DistanceMetric);
        var upserts = CoerceRows(write.Upserts, isPatch: false);
        var patches = CoerceRows(write.Patches, isPatch: true);
        var deletes = CoerceDeletes();
        var filterPatch = CoerceFilterPatch();
        var after = builder.Build();

        DeleteByFilter(after);
        PatchByFilter(after, filterPatch);
        Upsert(after, upserts);
        Patch(after, patches);
        Delete(after, deletes);
        Finish(after);
        return tally.ToResult(write);
    }

    private void Finish(NamespaceSchema after)
    {
        if (!ReferenceEquals(after, schema))
        {
            draft.Schema = after;
            schema = after;
        }

        if (request.Token is { } token)
        {
            draft.Tokens = TokenFormat.Merge(draft.Tokens, [token]);
            TokenCheck.RequireRoom(state, draft.Tokens, name);
        }

        if (!exists && request.Shards is { } shards)
        {
            options = options with { Shards = shards };
            draft.Options = options;
        }

        exists = true;
    }

    /// <summary>What is stored under the name, earlier writes of the batch included.</summary>
    private NamespaceToken? CurrentToken(string tokenName) => draft.Tokens.FirstOrDefault(t => t.Name == tokenName)
        ?? (state.IsLive ? state.Tokens.FirstOrDefault(t => t.Name == tokenName) : null);

    private void CheckConditions()
    {
        Require(request.UpsertCondition, request.Upserts is not null, "upsert_condition", "upserts");
        Require(request.PatchCondition, request.Patches is not null, "patch_condition", "patches");
        Require(request.DeleteCondition, request.Deletes is not null, "delete_condition", "deletes by id");

        static void Require(Filter? condition, bool present, string what, string operations)
        {
            if (condition is not null && !present)
            {
                throw PuffException.Invalid($"{what} was given, but the request has no {operations} for it to govern");
            }
        }
    }

    // Coercion comes first and for everything, so that a wrong value refuses the request before anything is evaluated.
    private List<CoercedRow> CoerceRows(IReadOnlyList<DocumentRow>? rows, bool isPatch)
    {
        var coerced = new List<CoercedRow>(rows?.Count ?? 0);
        foreach (var row in rows ?? [])
        {
            var id = builder.CoerceId(row.Id);
            ClaimId(id);
            var attributes = new List<KeyValuePair<AttributeDefinition, Value>>(row.Attributes.Count);
            foreach (var (attributeName, value) in row.Attributes)
            {
                if (builder.ResolveForWrite(attributeName, value) is not { } definition)
                {
                    continue;
                }

                if (isPatch)
                {
                    SchemaBuilder.RequirePatchable(definition);
                }

                attributes.Add(new(definition, builder.Coerce(definition, value)));
            }

            coerced.Add(new CoercedRow(id, attributes));
        }

        if (!isPatch && builder.DenseVectors.Count > 0)
        {
            foreach (var row in coerced)
            {
                builder.RequireVectors(row.Id, row.Attributes);
            }
        }

        return coerced;
    }

    private List<DocumentId> CoerceDeletes()
    {
        var ids = new List<DocumentId>(request.Deletes?.Count ?? 0);
        foreach (var value in request.Deletes ?? [])
        {
            var id = builder.CoerceId(value);
            ClaimId(id);
            ids.Add(id);
        }

        return ids;
    }

    private List<KeyValuePair<AttributeDefinition, Value>> CoerceFilterPatch()
    {
        var attributes = new List<KeyValuePair<AttributeDefinition, Value>>();
        foreach (var (attributeName, value) in request.PatchByFilter?.Patch ?? [])
        {
            if (builder.ResolveForWrite(attributeName, value) is { } definition)
            {
                SchemaBuilder.RequirePatchable(definition);
                attributes.Add(new(definition, builder.Coerce(definition, value)));
            }
        }

        return attributes;
    }

    private void ClaimId(in DocumentId id)
    {
        if (!explicitIds.Add(id))
        {
            throw PuffException.Invalid($"document \"{id}\" occurs more than once in the request; combine its operations into one");
        }
    }

    private void DeleteByFilter(NamespaceSchema after)
    {
        if (request.DeleteByFilter is not { } filter)
        {
            return;
        }

        foreach (var id in FindMatches(filter, after, settings.DeleteByFilterLimit, request.DeleteByFilterAllowPartial, "delete_by_filter"))
        {
            draft.Delete(id);
            tally.Deleted(id);
        }
    }

    private void PatchByFilter(NamespaceSchema after, List<KeyValuePair<AttributeDefinition, Value>> patch)
    {
        if (request.PatchByFilter is not { } byFilter)
        {
            return;
        }

        var ids = FindMatches(byFilter.Filter, after, settings.PatchByFilterLimit, request.PatchByFilterAllowPartial, "patch_by_filter");
        var row = WritePatchRow(patch);
        long bytes = BytesOf(patch);
        foreach (var id in ids)
        {
            draft.Patch(id, row.AsSpan());
            tally.Patched(id, bytes);
        }
    }

    private void Upsert(NamespaceSchema after, List<CoercedRow> rows)
    {
        var condition = Bind(request.UpsertCondition, after);
        foreach (var row in rows)
        {
            if (condition is not null && CurrentRow(row.Id) is { } current && !Holds(condition, row.Id, current, row))
            {
                continue;
            }

            draft.Upsert(row.Id, WriteRow(row.Attributes).AsSpan());
            foreach (var (attribute, value) in row.Attributes)
            {
                if (attribute.Type.IsDenseVector)
                {
                    draft.Vector(attribute, VectorBytes(value));
                }
            }

            tally.Upserted(row.Id, LogicalBytes.Of(row.Id) + BytesOf(row.Attributes));
        }
    }

    private void Patch(NamespaceSchema after, List<CoercedRow> rows)
    {
        var condition = Bind(request.PatchCondition, after);
        foreach (var row in rows)
        {
            if (condition is null ? !Exists(row.Id) : CurrentRow(row.Id) is not { } current || !Holds(condition, row.Id, current, row))
            {
                continue;
            }

            draft.Patch(row.Id, WritePatchRow(row.Attributes).AsSpan());
            tally.Patched(row.Id, LogicalBytes.Of(row.Id) + BytesOf(row.Attributes));
        }
    }

    private void Delete(NamespaceSchema after, List<DocumentId> ids)
    {
        var condition = Bind(request.DeleteCondition, after);
        foreach (var id in ids)
        {
            if (condition is not null && (CurrentRow(id) is not { } current || !condition.Matches(new RowReader(id, current), null)))
            {
                continue;
            }

            draft.Delete(id);
            tally.Deleted(id);
        }
    }

    private static Predicate? Bind(Filter? condition, NamespaceSchema after) =>
        condition is null ? null : FilterBinder.Bind(condition, after, allowRefNew: true, TokenPredicates.Instance);

    private static bool Holds(Predicate condition, in DocumentId id, byte[] current, CoercedRow incoming) =>
        condition.Matches(new RowReader(id, current), new IncomingRow(id, incoming.Attributes));

    private byte[]? CurrentRow(in DocumentId id)
    {
        tally.HasRead = true;
        staged.CatchUp();
        return staged.FindRow(id);
    }

    private bool Exists(in DocumentId id)
    {
        tally.HasRead = true;
        staged.CatchUp();
        return staged.Exists(id);
    }

    /// <summary>Ids that match now, earlier operations of the batch included, ascending; at most <paramref name="limit"/>.</summary>
    private List<DocumentId> FindMatches(Filter filter, NamespaceSchema after, int limit, bool allowPartial, string what)
    {
        tally.HasRead = true;
        var predicate = FilterBinder.Bind(filter, after, allowRefNew: false, TokenPredicates.Instance);
        var ids = new List<DocumentId>();
        staged.CatchUp();
        using var snapshot = state.Snapshot();
        foreach (var set in snapshot.Sets)
        {
            // Writes wait for each other: one that was begun is finished, whoever hung up.
            var matches = set.Match(predicate, CancellationToken.None);
            for (int document = matches.NextSet(0); document >= 0; document = matches.NextSet(document + 1))
            {
                var id = set.GetId(document);
                if (staged.Documents.Count == 0 || !staged.Documents.ContainsKey(id))
                {
                    ids.Add(id);
                }
            }
        }

        foreach (var (id, row) in staged.Documents)
        {
            if (row is not null && predicate.Matches(new RowReader(id, row), null))
            {
                ids.Add(id);
            }
        }

        ids.Sort();
        if (ids.Count > limit)
        {
            if (!allowPartial)
            {
                throw PuffException.Invalid(
                    $"{what} matches {ids.Count} documents, more than the {limit} of one request; narrow the filter or set {what}_allow_partial and repeat");
            }

            ids.RemoveRange(limit, ids.Count - limit);
            tally.RowsRemaining = true;
        }

        return ids;
    }

    private MemoryRegion WriteRow(List<KeyValuePair<AttributeDefinition, Value>> attributes)
    {
        rowBuffer.Clear();
        RowFormat.Write(rowBuffer, SparsePart(attributes));
        return rowBuffer.Written;
    }

    private MemoryRegion WritePatchRow(List<KeyValuePair<AttributeDefinition, Value>> attributes)
    {
        rowBuffer.Clear();
        RowFormat.WritePatch(rowBuffer, SparsePart(attributes));
        return rowBuffer.Written;
    }

    /// <summary>Everything but the dense vectors, which are stored apart.</summary>
    private List<(AttributeDefinition Attribute, Value Value)> SparsePart(List<KeyValuePair<AttributeDefinition, Value>> attributes)
    {
        var rest = sparsePart;
        rest.Clear();
        foreach (var (attribute, value) in attributes)
        {
            if (!attribute.Type.IsDenseVector)
            {
                rest.Add((attribute, value));
            }
        }

        return rest;
    }

    private static ReadOnlySpan<byte> VectorBytes(in Value value) => value.Kind switch
    {
        ValueKind.VectorF32 => MemoryMarshal.AsBytes<float>(value.AsVectorF32),
        ValueKind.VectorF16 => MemoryMarshal.AsBytes<Half>(value.AsVectorF16),
        _ => MemoryMarshal.AsBytes<sbyte>(value.AsVectorI8),
    };

    private static long BytesOf(List<KeyValuePair<AttributeDefinition, Value>> attributes)
    {
        long bytes = 0;
        foreach (var (_, value) in attributes)
        {
            bytes += LogicalBytes.Of(value);
        }

        return bytes;
    }

    private sealed record CoercedRow(DocumentId Id, List<KeyValuePair<AttributeDefinition, Value>> Attributes);

    /// <summary>What the request did so far.</summary>
    private sealed class Tally
    {
        private readonly List<DocumentId> upserted = [];
        private readonly List<DocumentId> patched = [];
        private readonly List<DocumentId> deleted = [];
        private long bytes;

        public bool RowsRemaining { get; set; }

        public bool HasRead { get; set; }

        public void Upserted(in DocumentId id, long logicalBytes)
        {
            upserted.Add(id);
            bytes += logicalBytes;
        }

        public void Patched(in DocumentId id, long logicalBytes)
        {
            patched.Add(id);
            bytes += logicalBytes;
        }

        public void Deleted(in DocumentId id)
        {
            deleted.Add(id);
            bytes += LogicalBytes.Of(id);
        }

        public WriteResult ToResult(WriteRequest request) => new()
        {
            RowsUpserted = request.Upserts is null ? null : upserted.Count,
            RowsPatched = request.Patches is null && request.PatchByFilter is null ? null : patched.Count,
            RowsDeleted = request.Deletes is null && request.DeleteByFilter is null ? null : deleted.Count,
            RowsRemaining = RowsRemaining,
            UpsertedIds = request.ReturnAffectedIds && upserted.Count > 0 ? upserted : null,
            PatchedIds = request.ReturnAffectedIds && patched.Count > 0 ? patched : null,
            DeletedIds = request.ReturnAffectedIds && deleted.Count > 0 ? deleted : null,
            LogicalBytesWritten = bytes,
            LogicalBytesQueried = HasRead ? bytes : null,
        };
    }
}
