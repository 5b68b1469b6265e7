using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>The types of a table's columns with everything they are made of: bases of domains, elements, fields, subtypes, labels.</summary>
internal static class CatalogTypes
{
    private const string Fields = "p.typtype = 'c' AND f.attrelid = p.typrelid AND f.attnum > 0 AND NOT f.attisdropped";

    public static async Task<IReadOnlyDictionary<uint, TypeShape>> ReadAsync(NpgsqlConnection session, uint table, CancellationToken cancellation)
    {
        string id = table.ToString(CultureInfo.InvariantCulture);
        var rows = await Catalog.ListAsync(
            session,
            $"""
            WITH RECURSIVE used (oid) AS (
                SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = {id} AND a.attnum > 0 AND NOT a.attisdropped
                UNION
                SELECT n.next FROM used u JOIN pg_type p ON p.oid = u.oid CROSS JOIN LATERAL (
                    SELECT p.typbasetype WHERE p.typtype = 'd'
                    UNION ALL SELECT p.typelem WHERE p.typcategory = 'A' AND p.typelem <> 0
                    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE p.oid IN (r.rngtypid, r.rngmultitypid)
                    UNION ALL SELECT f.atttypid FROM pg_attribute f
                        WHERE p.typtype = 'c' AND f.attrelid = p.typrelid AND f.attnum > 0 AND NOT f.attisdropped) n (next))
            SELECT p.oid::bigint, p.typname::text, p.typtype::text, p.typcategory::text,
                coalesce(nullif(p.typbasetype, 0), (SELECT r.rngsubtype FROM pg_range r WHERE p.oid IN (r.rngtypid, r.rngmultitypid)), p.typelem)::bigint,
                p.typtypmod, ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = p.oid ORDER BY e.enumsortorder),
                ARRAY(SELECT f.attname::text FROM pg_attribute f WHERE {Fields} ORDER BY f.attnum),
                ARRAY(SELECT f.atttypid::bigint FROM pg_attribute f WHERE {Fields} ORDER BY f.attnum),
                ARRAY(SELECT f.atttypmod FROM pg_attribute f WHERE {Fields} ORDER BY f.attnum)
            FROM used u JOIN pg_type p ON p.oid = u.oid
            """,
            RowOf,
            cancellation);
        var found = rows.ToDictionary(row => row.Oid);
        var built = new Dictionary<uint, TypeShape>();
        foreach (var row in rows)
        {
            Build(row.Oid, found, built);
        }

        return built;
    }

    /// <summary>A type cannot contain itself, so this ends.</summary>
    private static TypeShape Build(uint oid, Dictionary<uint, Row> found, Dictionary<uint, TypeShape> built)
    {
        if (built.TryGetValue(oid, out var done))
        {
            return done;
        }

        var row = found[oid];
        var category = row.Kind switch
        {
            "e" => TypeCategory.Enum,
            "d" => TypeCategory.Domain,
            "c" => TypeCategory.Composite,
            "r" => TypeCategory.Range,
            "m" => TypeCategory.Multirange,
            _ => row.Category == "A" ? TypeCategory.Array : TypeCategory.Scalar,
        };
        bool hasInner = category is TypeCategory.Domain or TypeCategory.Range or TypeCategory.Multirange or TypeCategory.Array && row.Inner != 0;
        return built[oid] = new TypeShape(oid, row.Name, category)
        {
            Inner = hasInner ? Build(row.Inner, found, built) : null,
            InnerModifier = category == TypeCategory.Domain ? row.InnerModifier : -1,
            Labels = row.Labels,
            Fields = [.. row.FieldNames.Select((name, field) =>
                new FieldShape(name, Build((uint)row.FieldTypes[field], found, built), row.FieldModifiers[field]))],
        };
    }

    private static Row RowOf(NpgsqlDataReader reader) => new(
        (uint)reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), (uint)reader.GetInt64(4), reader.GetInt32(5),
        reader.GetFieldValue<string[]>(6), reader.GetFieldValue<string[]>(7), reader.GetFieldValue<long[]>(8), reader.GetFieldValue<int[]>(9));

    private sealed record Row(
        uint Oid, string Name, string Kind, string Category, uint Inner, int InnerModifier, string[] Labels, string[] FieldNames, long[] FieldTypes,
        int[] FieldModifiers);
}
