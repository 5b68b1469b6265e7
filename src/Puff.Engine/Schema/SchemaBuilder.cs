namespace Puff.Engine.Schema;

/// <summary>
/// The schema as one write changes it: declarations first (<see cref="Apply"/>), then ids and attributes in the order of the rows, at the end
/// <see cref="Build"/>. Any error leaves the builder useless and the write refused. Not thread-safe.
/// </summary>
/// <param name="current">The schema the write is evaluated against.</param>
/// <param name="isNewNamespace">True while the namespace has never had documents: only then may dense vector attributes be added.</param>
internal sealed class SchemaBuilder(NamespaceSchema current, bool isNewNamespace)
{
    private const string IdName = "id";

    private readonly Dictionary<string, AttributeDefinition> changes = new(StringComparer.Ordinal);
    private readonly List<AttributeDefinition> denseVectors = [.. current.DenseVectors];
    private int nextId = current.Attributes.Count == 0 ? 1 : current.Attributes[^1].Id + 1;
    private int attributeCount = current.Attributes.Count;
    private IdKind? idKind = current.IdKind;
    private DistanceMetric? metric = current.Metric;

    /// <summary>True when <see cref="Build"/> gives something else than the current schema.</summary>
    public bool Changed => changes.Count > 0 || idKind != current.IdKind || StoredMetric != current.Metric;

    /// <summary>The dense vector attributes, current and new ones: every document must have a value for each.</summary>
    public IReadOnlyList<AttributeDefinition> DenseVectors => denseVectors;

    private DistanceMetric? StoredMetric => denseVectors.Count > 0 || current.Metric is not null || HasAnnMultiVector ? metric : null;

    private bool HasAnnMultiVector { get; set; } = current.Attributes.Any(a => a.Type.IsMultiVector && a.Ann);

    /// <summary>Applies a request's declarations and its `distance_metric`.</summary>
    /// <param name="update">Null when the request has no `schema`.</param>
    /// <param name="requestMetric">The request's own `distance_metric`.</param>
    public void Apply(SchemaUpdate? update, DistanceMetric? requestMetric)
    {
        if (requestMetric is { } requested)
        {
            Agree(requested, "distance_metric");
        }

        foreach (var declaration in update?.Attributes ?? [])
        {
            if (declaration.Name == IdName)
            {
                DeclareId(declaration);
            }
            else
            {
                Declare(declaration);
            }
        }
    }

    /// <summary>A document's id in the namespace's kind; the first one settles the kind.</summary>
    public DocumentId CoerceId(in Value id)
    {
        var given = id.Kind switch
        {
            ValueKind.Int or ValueKind.UInt => IdKind.UInt,
            ValueKind.String => idKind == IdKind.Uuid ? IdKind.Uuid : IdKind.String,
            ValueKind.Uuid => IdKind.Uuid,
            _ => throw PuffException.Invalid($"an id is an unsigned integer, a UUID or a string, not {ValueNames.Of(id)}"),
        };
        idKind ??= given;
        if (given != idKind)
        {
            throw PuffException.Invalid($"the ids of this namespace are of type {Name(idKind.Value)}; an id of this request is of type {Name(given)}");
        }

        return id.Kind switch
        {
            ValueKind.UInt => DocumentId.FromUInt(id.AsUInt),
            ValueKind.Int when id.AsInt >= 0 => DocumentId.FromUInt((ulong)id.AsInt),
            ValueKind.Int => throw PuffException.Invalid($"an integer id cannot be negative: {id.AsInt}"),
            ValueKind.Uuid => DocumentId.FromUuid(id.AsBytes),
            _ => given == IdKind.String ? DocumentId.FromUtf8(id.AsBytes) : ParseUuid(id.AsBytes),
        };
    }

    /// <summary>
    /// The definition under which a row's value is stored; an undeclared attribute is inferred from its first value. Null for a null value of an
    /// attribute nobody declared: there is nothing to store.
    /// </summary>
    public AttributeDefinition? ResolveForWrite(string name, in Value value)
    {
        var known = Find(name);
        if (known is not null && (known.Type.Kind != TypeKind.UnknownArray || !value.IsArray || value.Kind == ValueKind.EmptyArray))
        {
            return known;
        }

        CheckName(name);
        if (value.IsNull)
        {
            return known;
        }

        var type = TypeInference.Infer(name, value);
        var definition = known is not null
            ? known with { Type = type }
            : new AttributeDefinition(nextId, name, type) { Filterable = type.CanFilter, Ann = type.IsDenseVector };
        Set(known, definition);
        return definition;
    }

    /// <summary>The value at the attribute's kind, checked; Null stays Null.</summary>
    public Value Coerce(AttributeDefinition attribute, in Value value)
    {
        var coerced = ValueCoercion.Coerce(attribute, value);
        if (metric == DistanceMetric.CosineDistance && attribute.Type.IsDenseVector)
        {
            VectorCoercion.RequireDirection(attribute, coerced);
        }

        return coerced;
    }

    /// <summary>A patch may clear or set anything but dense vectors and multi-vectors.</summary>
    public static void RequirePatchable(AttributeDefinition attribute)
    {
        if (attribute.Type.IsDenseVector || attribute.Type.IsMultiVector)
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a vector and cannot be patched; upsert the whole document instead");
        }
    }

    /// <summary>Every document has a value for every dense vector. To be called when all rows were resolved: a later row may introduce the vector.</summary>
    /// <param name="id">The document, for the message.</param>
    /// <param name="row">Its resolved attributes with coerced values, in any order.</param>
    public void RequireVectors(in DocumentId id, IReadOnlyList<KeyValuePair<AttributeDefinition, Value>> row)
    {
        foreach (var vector in denseVectors)
        {
            bool found = false;
            for (int i = 0; i < row.Count && !found; i++)
            {
                found = row[i].Key.Id == vector.Id && !row[i].Value.IsNull;
            }

            if (!found)
            {
                throw MissingVector(id, vector);
            }
        }
    }

    public static PuffException MissingVector(in DocumentId id, AttributeDefinition vector) =>
        PuffException.Invalid($"document \"{id}\" has no value for vector attribute \"{vector.Name}\"");

    /// <summary>A namespace with dense vectors has a distance metric: the write that brings the first ones must name it.</summary>
    public void CheckDistanceMetric()
    {
        if (denseVectors.Count > 0 && metric is null)
        {
            throw PuffException.Invalid(
                $"distance_metric is required in the first write with vectors (attribute \"{denseVectors[0].Name}\"): cosine_distance or euclidean_squared");
        }
    }

    /// <summary>The schema after the write; the current one itself when nothing changed.</summary>
    public NamespaceSchema Build()
    {
        CheckDistanceMetric();
        if (!Changed)
        {
            return current;
        }

        var kept = current.Attributes.Where(a => !changes.ContainsKey(a.Name));
        return new NamespaceSchema(idKind, StoredMetric, kept.Concat(changes.Values));
    }

    private AttributeDefinition? Find(string name)
    {
        if (name == IdName)
        {
            throw PuffException.Invalid("id is no attribute: it names the document and cannot be changed");
        }

        return changes.TryGetValue(name, out var changed) ? changed : current.Find(name);
    }

    private void Declare(AttributeUpdate declaration)
    {
        var known = Find(declaration.Name);
        if (known is null)
        {
            CheckName(declaration.Name);
        }

        var definition = AttributeDeclaration.Apply(known, declaration, nextId);
        if (declaration.AnnMetric is { } annMetric)
        {
            Agree(annMetric, $"ann.distance_metric of attribute \"{declaration.Name}\"");
        }

        if (definition != known)
        {
            Set(known, definition);
        }
    }

    private void DeclareId(AttributeUpdate declaration)
    {
        AttributeDeclaration.RefuseEmbedding(declaration);
        var declared = AttributeDeclaration.ParseType(declaration).Kind switch
        {
            TypeKind.UInt => IdKind.UInt,
            TypeKind.Uuid => IdKind.Uuid,
            TypeKind.String => IdKind.String,
            _ => throw PuffException.Invalid($"id cannot be a {declaration.Type}; it is a uint, a uuid or a string"),
        };
        if (declaration.Filterable == false)
        {
            throw PuffException.Invalid("id is always filterable");
        }

        if (declaration.FullText is { Enabled: true } || declaration.Regex == true || declaration.Glob == true || declaration.Fuzzy == true
            || declaration.Ann == true || declaration.SparseKnn == true)
        {
            throw PuffException.Invalid("id takes no search options");
        }

        if (idKind is { } settled && settled != declared)
        {
            throw PuffException.Invalid($"the ids of this namespace are of type {Name(settled)} and cannot become {Name(declared)}");
        }

        idKind = declared;
    }

    private void Set(AttributeDefinition? known, AttributeDefinition definition)
    {
        if (known is null)
        {
            Add(definition);
        }

        HasAnnMultiVector |= definition.Type.IsMultiVector && definition.Ann;
        changes[definition.Name] = definition;
        int vector = denseVectors.FindIndex(v => v.Id == definition.Id);
        if (vector >= 0)
        {
            denseVectors[vector] = definition;
        }
    }

    private void Add(AttributeDefinition definition)
    {
        if (attributeCount == NamespaceSchema.MaxAttributes)
        {
            throw PuffException.Invalid($"a namespace has at most {NamespaceSchema.MaxAttributes} attributes; \"{definition.Name}\" would be one more");
        }

        if (definition.Type.IsDenseVector)
        {
            AddDenseVector(definition);
        }

        attributeCount++;
        nextId++;
    }

    private void AddDenseVector(AttributeDefinition definition)
    {
        if (!isNewNamespace)
        {
            throw PuffException.Invalid(
                $"attribute \"{definition.Name}\": vector attributes are fixed when the namespace is created; write to a new namespace instead");
        }

        if (denseVectors.Count == NamespaceSchema.MaxDenseVectors)
        {
            throw PuffException.Invalid($"attribute \"{definition.Name}\": a namespace has at most {NamespaceSchema.MaxDenseVectors} dense vector attributes");
        }

        denseVectors.Add(definition);
    }

    private void Agree(DistanceMetric given, string where)
    {
        metric ??= given;
        if (metric != given)
        {
            throw PuffException.Invalid($"{where} is {Name(given)}, but the namespace's distance metric is {Name(metric.Value)}");
        }
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0)
        {
            throw PuffException.Invalid("an attribute name cannot be empty");
        }

        if (name[0] == '$')
        {
            throw PuffException.Invalid($"attribute name \"{Shorten(name)}\": names that begin with $ are reserved");
        }

        if (System.Text.Encoding.UTF8.GetByteCount(name) > NamespaceSchema.MaxNameBytes)
        {
            throw PuffException.Invalid($"attribute name \"{Shorten(name)}\": a name has at most {NamespaceSchema.MaxNameBytes} bytes of UTF-8");
        }
    }

    private static string Shorten(string name) => name.Length <= NamespaceSchema.MaxNameBytes ? name : name[..NamespaceSchema.MaxNameBytes] + "…";

    private static DocumentId ParseUuid(byte[] text)
    {
        Span<byte> uuid = stackalloc byte[16];
        return UuidText.TryParse(text, uuid)
            ? DocumentId.FromUuid(uuid)
            : throw PuffException.Invalid("the ids of this namespace are of type uuid; an id of this request is a string that is no UUID");
    }

    private static string Name(IdKind kind) => kind switch
    {
        IdKind.UInt => "uint",
        IdKind.Uuid => "uuid",
        _ => "string",
    };

    private static string Name(DistanceMetric metric) => metric == DistanceMetric.CosineDistance ? "cosine_distance" : "euclidean_squared";
}
