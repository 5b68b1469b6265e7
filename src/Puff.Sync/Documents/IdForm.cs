using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>How ids are made: decided when a mapping is applied, stored with it, and never changed for its generation.</summary>
/// <param name="Columns">In the order of the key.</param>
/// <param name="Type">UInt, Uuid or String.</param>
/// <param name="IsHash">The id is a UUID of the hash of the values.</param>
/// <param name="Prefix">Put before string ids; empty for none.</param>
internal sealed record IdForm(IReadOnlyList<string> Columns, IdType Type, bool IsHash, string Prefix = "")
{
    public const int MaxBytes = 64;

    /// <exception cref="SyncException">Columns that do not exist, or whose types make no ids.</exception>
    public static IdForm Resolve(MappingDefinition mapping, TableShape table)
    {
        var names = mapping.Id.Columns ?? table.PrimaryKey;
        if (names.Count == 0)
        {
            throw new SyncException(
                SyncExit.Usage, "no_primary_key", $"{table.Schema}.{table.Table} has no primary key, and [id] columns names none", "set [id] columns");
        }

        var types = new List<SourceType>(names.Count);
        foreach (string name in names)
        {
            var column = table.Find(name) ?? throw new SyncException(
                SyncExit.Usage, "column_not_found", $"[id] columns: {table.Schema}.{table.Table} has no column \"{name}\"");
            var type = SourceType.Of(column.Type, column.TypeModifier);
            types.Add(IsPossible(type.Kind) ? type : throw new SyncException(
                SyncExit.Usage, "id_type", $"column \"{name}\" is a {type.Type.Name}: no ids can be made of it", "choose a unique key of others in [id]"));
        }

        string prefix = mapping.Target.IdPrefix ?? "";
        return Check(mapping, Choose(mapping.Id, names, types, prefix), types);
    }

    private static bool IsPossible(SourceKind kind) => kind is not (SourceKind.Float or SourceKind.Json or SourceKind.Bytes or SourceKind.Array
        or SourceKind.IntVector or SourceKind.Composite or SourceKind.Hstore or SourceKind.Vector or SourceKind.HalfVector or SourceKind.SparseVector
        or SourceKind.Geometry or SourceKind.Point or SourceKind.TextSearch);

    private static IdForm Choose(IdDefinition wanted, IReadOnlyList<string> names, List<SourceType> types, string prefix)
    {
        if (wanted.Format == IdFormat.Hash)
        {
            return new IdForm(names, IdType.Uuid, IsHash: true);
        }

        if (wanted.Type != IdType.Auto)
        {
            return new IdForm(names, wanted.Type, IsHash: false, prefix);
        }

        if (names.Count > 1)
        {
            int? longest = types.Aggregate((int?)(names.Count - 1 + prefix.Length), (sum, type) => sum + type.MaxTextBytes);
            bool isText = wanted.Format == IdFormat.Text || longest <= MaxBytes || prefix.Length > 0;
            return isText ? new IdForm(names, IdType.String, IsHash: false, prefix) : new IdForm(names, IdType.Uuid, IsHash: true);
        }

        return types[0].Kind switch
        {
            SourceKind.Int or SourceKind.BigInt when prefix.Length == 0 => new IdForm(names, IdType.UInt, IsHash: false),
            SourceKind.Uuid when prefix.Length == 0 => new IdForm(names, IdType.Uuid, IsHash: false),
            _ => new IdForm(names, IdType.String, IsHash: false, prefix),
        };
    }

    private static IdForm Check(MappingDefinition mapping, IdForm form, List<SourceType> types)
    {
        bool fits = form.IsHash || form.Type switch
        {
            IdType.UInt => types is [{ Kind: SourceKind.Int or SourceKind.BigInt or SourceKind.Numeric }],
            IdType.Uuid => types is [{ Kind: SourceKind.Uuid or SourceKind.Text or SourceKind.PaddedText }],
            _ => true,
        };
        if (!fits)
        {
            throw new SyncException(
                SyncExit.Usage, "id_type",
                $"[id] type: {string.Join(", ", form.Columns)} cannot be {form.Type.ToString().ToLowerInvariant()} ids of \"{mapping.Name}\"",
                "leave out type, or set type = \"string\"");
        }

        return form.Prefix.Length == 0 || form.Type == IdType.String ? form : throw new SyncException(
            SyncExit.Usage, "id_prefix", $"[target] id_prefix of \"{mapping.Name}\" needs string ids", "set [id] type = \"string\"");
    }
}
