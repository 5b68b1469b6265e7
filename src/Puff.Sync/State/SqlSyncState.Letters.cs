using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.State;

/// <summary>Dead letters, and cleaning up.</summary>
internal sealed partial class SqlSyncState
{
    public async Task<IReadOnlyList<DeadLetter>> ListLettersAsync(string? mapping, LetterState? state, int limit, CancellationToken cancellation) =>
        await QueryAsync(
            $"""
            SELECT id, mapping, generation, doc_id, key::text, op, position_lsn::text, position_ordinal, stage, code, message, detail, attempts, first_at,
                last_at, next_at, state, payload::text
            FROM {schema}.dead_letter WHERE pipeline = $1 AND ($2::text IS NULL OR mapping = $2) AND ($3::text IS NULL OR state = $3)
            ORDER BY id DESC LIMIT $4
            """,
            LetterOf, cancellation, pipeline, mapping, state is { } wanted ? NameOf(wanted) : null, limit);

    public async Task SaveLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation)
    {
        if (letters.Count == 0)
        {
            return;
        }

        // One statement is one transaction: all or none. A document may stand in the list once only.
        await ExecuteAsync(
            $"""
            INSERT INTO {schema}.dead_letter AS t (pipeline, mapping, generation, doc_id, key, op, position_lsn, position_ordinal, stage, code, message, detail,
                attempts, first_at, last_at, next_at, state, payload)
            SELECT $1, l.* FROM unnest($2::text[], $3::int[], $4::text[], $5::text[]::jsonb[], $6::text[], $7::text[]::pg_lsn[], $8::bigint[], $9::text[],
                $10::text[], $11::text[], $12::text[], $13::int[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::text[],
                $18::text[]::jsonb[]) l
            ON CONFLICT (pipeline, mapping, generation, doc_id) WHERE state IN ('open', 'permanent') DO UPDATE SET key = excluded.key, op = excluded.op,
                position_lsn = excluded.position_lsn, position_ordinal = excluded.position_ordinal, stage = excluded.stage, code = excluded.code,
                message = excluded.message, detail = excluded.detail, attempts = t.attempts + excluded.attempts, last_at = excluded.last_at,
                next_at = excluded.next_at, state = excluded.state, payload = excluded.payload
            """,
            cancellation, [pipeline, .. Columns([.. letters.GroupBy(l => (l.Mapping, l.Generation, l.DocumentId)).Select(Join)])]);
    }

    public Task CloseLettersAsync(string mapping, int generation, IReadOnlyList<string> documents, LetterState state, CancellationToken cancellation) =>
        ExecuteAsync(
            $"""
            UPDATE {schema}.dead_letter SET state = $5, next_at = NULL
            WHERE pipeline = $1 AND mapping = $2 AND generation = $3 AND doc_id = ANY($4) AND state IN ('open', 'permanent')
            """,
            cancellation, pipeline, mapping, generation, documents.ToArray(), NameOf(state));

    public async Task<int> CloseLettersAsync(IReadOnlyList<long> letters, LetterState state, CancellationToken cancellation)
    {
        var closed = await QueryAsync(
            $"""
            UPDATE {schema}.dead_letter SET state = $3, next_at = NULL WHERE pipeline = $1 AND id = ANY($2) AND state IN ('open', 'permanent') RETURNING id
            """,
            reader => reader.GetInt64(0), cancellation, pipeline, letters.ToArray(), NameOf(state));
        return closed.Count;
    }

    public Task TrimAsync(DateTimeOffset before, CancellationToken cancellation) => ExecuteAsync(
        $"""
        WITH letters AS (DELETE FROM {schema}.dead_letter WHERE pipeline = $1 AND state <> 'open' AND last_at < $2),
            requests AS (DELETE FROM {schema}.request WHERE pipeline = $1 AND done_at < $2)
        DELETE FROM {schema}.snapshot WHERE pipeline = $1 AND state IN ('done', 'failed', 'stopped') AND updated_at < $2
        """,
        cancellation, pipeline, before);

    /// <summary>Two failures of one document in one list are one letter: the later, with both attempts.</summary>
    private static DeadLetter Join(IEnumerable<DeadLetter> same)
    {
        DeadLetter[] all = [.. same];
        return all[^1] with { Attempts = all.Sum(letter => letter.Attempts), FirstAt = all.Min(letter => letter.FirstAt) };
    }

    private static IEnumerable<object?> Columns(DeadLetter[] letters) =>
    [
        letters.Select(l => l.Mapping).ToArray(), letters.Select(l => l.Generation).ToArray(), letters.Select(l => l.DocumentId).ToArray(),
        letters.Select(l => Json(l.Key)).ToArray(), letters.Select(l => l.Operation).ToArray(),
        letters.Select(l => l.Position.Commit.ToString()).ToArray(), letters.Select(l => (long)l.Position.Ordinal).ToArray(),
        letters.Select(l => NameOf(l.Stage)).ToArray(), letters.Select(l => l.Code).ToArray(), letters.Select(l => l.Message).ToArray(),
        letters.Select(l => l.Detail).ToArray(), letters.Select(l => l.Attempts).ToArray(), letters.Select(l => l.FirstAt.ToUniversalTime()).ToArray(),
        letters.Select(l => l.LastAt.ToUniversalTime()).ToArray(), letters.Select(l => l.NextAt?.ToUniversalTime()).ToArray(),
        letters.Select(l => NameOf(l.State)).ToArray(), letters.Select(l => l.PayloadJson).ToArray(),
    ];

    private static DeadLetter LetterOf(NpgsqlDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(1), reader.GetInt32(2), reader.GetString(3), Texts(reader.GetString(4))!, reader.GetString(5),
        new SyncPosition(LsnOf(reader.GetString(6)), (uint)reader.GetInt64(7)), EnumOf<LetterStage>(reader.GetString(8)), reader.GetString(9),
        reader.GetString(10), Text(reader, 11), reader.GetInt32(12), reader.GetFieldValue<DateTimeOffset>(13), reader.GetFieldValue<DateTimeOffset>(14),
        Time(reader, 15), EnumOf<LetterState>(reader.GetString(16)), Text(reader, 17));
}
