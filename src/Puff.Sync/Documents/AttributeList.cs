using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>The attributes of a plan with their converters and declarations.</summary>
internal sealed class AttributeList
{
    private const int MaxAttributes = 1024;
    private const int MaxNameBytes = 128;
    private const int MaxDenseVectors = 2;
    private readonly DocumentPlan plan;
    private readonly ColumnConverters converters;
    private readonly FlattenedAttributes flattened;
    private readonly List<Entry> entries = [];
    private readonly List<string> warnings = [];
    private readonly List<string> unfilterable = [];
    private readonly Dictionary<string, AttributeUpdate> declared;

    public AttributeList(DocumentPlan plan, Action<string> changed)
    {
        this.plan = plan;
        converters = new ColumnConverters(Options, plan.Counters);
        flattened = new FlattenedAttributes(changed);
        declared = (plan.Mapping.Target.Schema ?? []).ToDictionary(a => a.Name);
        foreach (var column in plan.Columns.Where(IsWritten))
        {
            entries.Add(Make(column, changed));
        }

        Check();
    }

    public IReadOnlyList<Entry> Entries => entries;

    public IReadOnlyList<AttributePlan> Plans => entries.ConvertAll(e => e.Plan);

    public IReadOnlyList<string> Warnings => warnings;

    public IReadOnlyList<string> Unfilterable
    {
        get
        {
            lock (unfilterable)
            {
                return [.. unfilterable];
            }
        }
    }

    private AttributeOptions Options => plan.Mapping.Attributes;

    private bool HasTransform => plan.Mapping.Transform.Kind != TransformKind.None;

    public SchemaUpdate Declare(SchemaUpdate? exported)
    {
        var updates = new Dictionary<string, AttributeUpdate> { ["id"] = Plain("id", plan.Decisions.Id.Type.ToString().ToLowerInvariant()) };
        foreach (var entry in entries.Where(e => e.Plan.Type is not null))
        {
            updates[entry.Plan.Attribute] = DeclarationOf(entry);
        }

        foreach (var (name, type) in flattened.All)
        {
            updates[name] = Plain(name, type.ToString());
        }

        foreach (var own in Provenance())
        {
            updates[own.Name] = own;
        }

        foreach (var update in exported?.Attributes ?? [])
        {
            if (declared.ContainsKey(update.Name))
            {
                throw new SyncException(
                    SyncExit.Usage, "schema_twice", $"attribute \"{update.Name}\" is declared in [target.schema] and by the transform", "keep one of them");
            }

            updates[update.Name] = update;
        }

        foreach (var update in declared.Values.Where(u => !updates.ContainsKey(u.Name) || u.Name == "id"))
        {
            updates[update.Name] = update;
        }

        return new SchemaUpdate([.. updates.Values]);
    }

    private static AttributeUpdate Plain(string name, string type, bool? filterable = null) => new(name) { Type = type, Filterable = filterable };

    private IEnumerable<AttributeUpdate> Provenance()
    {
        if (plan.Mapping.VersionAttribute is { } version)
        {
            yield return Plain(version, "string", filterable: true);
        }

        if (plan.Mapping.RowHashAttribute is { } hash)
        {
            yield return Plain(hash, "string", filterable: false);
        }

        if (plan.Mapping.Target.Shared)
        {
            yield return Plain(DocumentPlan.MappingAttribute, "string", filterable: true);
        }

        if (plan.Mapping.OnDelete == DeleteEvent.Mark)
        {
            yield return Plain(DocumentPlan.DeletedAttribute, "bool");
        }
    }

    private AttributeUpdate DeclarationOf(Entry entry)
    {
        var type = entry.Plan.Type!.Value;
        bool? filterable = type.CanFilter ? entry.State.IsFilterable : null;
        if (declared.TryGetValue(entry.Plan.Attribute, out var own))
        {
            bool gaveUp = entry.Plan.IsFilterable && !entry.State.IsFilterable;
            return own with
            {
                Type = type.ToString(), IsShorthand = false, Ann = type.IsDenseVector ? true : own.Ann, Filterable = gaveUp ? false : own.Filterable,
            };
        }

        return Plain(entry.Plan.Attribute, type.ToString(), filterable) with
        {
            Ann = type.IsDenseVector ? true : null,
            SparseKnn = type.IsSparse ? true : null,
        };
    }

    /// <summary>The column that is the id is the document's `id` already.</summary>
    private bool IsWritten(TableColumn column)
    {
        if (Options.Drop.Contains(column.Name))
        {
            return false;
        }

        if (NameOf(column.Name) != "id")
        {
            return true;
        }

        bool isId = plan.Decisions.Id is { IsHash: false, Columns: [var only] } && only == column.Name;
        return isId || HasTransform ? false : throw new SyncException(
            SyncExit.Usage, "attribute_name",
            $"column \"{column.Name}\" of {plan.Table.Schema}.{plan.Table.Table} cannot become attribute \"id\", which is the document's id",
            $"[attributes] rename = {{ {column.Name} = \"row_id\" }}, or drop = [\"{column.Name}\"]");
    }

    private string NameOf(string column) => Options.Rename.GetValueOrDefault(column, column);

    private Entry Make(TableColumn column, Action<string> changed)
    {
        string name = NameOf(column.Name);
        var source = SourceType.Of(column.Type, column.TypeModifier);
        Warn(column, source);
        if (Options.Json == JsonPolicy.Flatten && !Options.Types.ContainsKey(column.Name) && declared.GetValueOrDefault(name)?.Type is null
            && converters.CreateFlattener(name, column, source, flattened) is { } flattener)
        {
            return new Entry(new AttributePlan(column, source, name, null, false), new AttributeState(name, false, changed), null, flattener);
        }

        var type = TypeOf(column, source, name);
        bool isFilterable = type.CanFilter && IsFilterable(column, source, name);
        var state = new AttributeState(name, isFilterable, attribute =>
        {
            lock (unfilterable)
            {
                unfilterable.Add(attribute);
            }

            changed(attribute);
        });
        return new Entry(
            new AttributePlan(column, source, name, type, isFilterable), state, converters.Create(column, source, type, state), null);
    }

    private AttributeType TypeOf(TableColumn column, SourceType source, string name)
    {
        string? text = declared.GetValueOrDefault(name)?.Type ?? Options.Types.GetValueOrDefault(column.Name);
        if (text is null)
        {
            return converters.DefaultTypeOf(column, source);
        }

        return AttributeType.TryParse(text, out var type) ? type : throw new SyncException(
            SyncExit.Usage, "attribute_type", $"attribute \"{name}\": \"{text}\" is no attribute type", "such as string, int, float, []string, [768]f32");
    }

    private bool IsFilterable(TableColumn column, SourceType source, string name)
    {
        if (declared.GetValueOrDefault(name) is { } own)
        {
            return own.Filterable ?? !(own.FullText is { Enabled: true } || own.Regex == true || own.Glob == true || own.Fuzzy == true);
        }

        return source.Kind is not (SourceKind.Json or SourceKind.TextSearch) && plan.Decisions.Filterable.GetValueOrDefault(column.Name, true);
    }

    private void Warn(TableColumn column, SourceType source)
    {
        if (source.Type.Name == "money")
        {
            warnings.Add($"column \"{column.Name}\" is money: its text depends on the server's locale");
        }
        else if (source.Kind == SourceKind.Text && !PlainTexts.IsKnown(source.Type.Name))
        {
            warnings.Add($"column \"{column.Name}\" is a {source.Type.Name}, which is not known here: it is written as text");
        }
    }

    private void Check()
    {
        string[] own = [.. Provenance().Select(p => p.Name)];
        var names = new HashSet<string>(own);
        foreach (var entry in entries)
        {
            string name = entry.Plan.Attribute;
            int bytes = System.Text.Encoding.UTF8.GetByteCount(name);
            if (bytes is 0 or > MaxNameBytes || name[0] == '$' || !names.Add(name))
            {
                throw new SyncException(
                    SyncExit.Usage, "attribute_name", $"column \"{entry.Plan.Column.Name}\" cannot become attribute \"{name}\": names are unique, have 1 to "
                    + $"{MaxNameBytes} bytes and do not begin with $", "use [attributes] rename");
            }
        }

        if (names.Count > MaxAttributes)
        {
            throw new SyncException(SyncExit.Usage, "too_many_attributes", $"{names.Count} attributes, the limit is {MaxAttributes}", "use [source] columns");
        }

        int vectors = names.Count(n => IsDense(n));
        int declaredVectors = declared.Values.Count(d => !names.Contains(d.Name) && d.Type is { } type
            && AttributeType.TryParse(type, out var parsed) && parsed.IsDenseVector);
        if (vectors + declaredVectors > MaxDenseVectors)
        {
            throw new SyncException(
                SyncExit.Usage, "too_many_vectors", $"{vectors + declaredVectors} dense vectors, the limit is {MaxDenseVectors}", "leave one out");
        }

        if (vectors + declaredVectors > 0 && plan.Metric is null)
        {
            throw new SyncException(
                SyncExit.Usage, "vector_metric_missing", $"mapping \"{plan.Mapping.Name}\" has a dense vector", "set [target] distance_metric");
        }
    }

    private bool IsDense(string name) => entries.Any(e => e.Plan.Attribute == name && e.Plan.Type is { IsDenseVector: true });

    internal sealed record Entry(AttributePlan Plan, AttributeState State, ValueConverter? Converter, Flattener? Flattener);
}

/// <summary>Types whose text form is their value.</summary>
internal static class PlainTexts
{
    private static readonly HashSet<string> Names =
    [
        "text", "varchar", "char", "name", "citext", "xml", "time", "interval", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "line", "lseg", "box",
        "path", "polygon", "circle", "ltree", "lquery", "ltxtquery", "xid", "xid8", "pg_lsn", "cid", "tid", "money", "regclass", "regtype", "regproc",
    ];

    public static bool IsKnown(string type) => Names.Contains(type);
}
