using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync dlq`: rows that could not be applied.</summary>
public static class LetterVerbs
{
    /// <param name="state">open, permanent or all.</param>
    public static async Task<SyncExit> ListAsync(SyncInvocation invocation, string? mapping, string state, int limit, CancellationToken cancellation)
    {
        await using SqlSyncState opened = await RequestVerbs.OpenAsync(invocation, cancellation);
        LetterState? wanted = state == "all" ? null : Enum.Parse<LetterState>(state, ignoreCase: true);
        invocation.Console.WriteRows([.. (await opened.ListLettersAsync(mapping, wanted, limit, cancellation)).Select(letter => new JsonObject
        {
            ["id"] = letter.Id, ["mapping"] = letter.Mapping, ["document"] = letter.DocumentId, ["op"] = letter.Operation, ["code"] = letter.Code,
            ["state"] = letter.State.ToString().ToLowerInvariant(), ["attempts"] = letter.Attempts,
            ["last_at"] = letter.LastAt.UtcDateTime.ToString("u", CultureInfo.InvariantCulture), ["message"] = letter.Message,
        })]);
        return SyncExit.Done;
    }

    public static async Task<SyncExit> RetryAsync(
        SyncInvocation invocation, IReadOnlyList<long> ids, string? mapping, bool all, CancellationToken cancellation)
    {
        Require(ids, mapping, all);
        await using SqlSyncState state = await RequestVerbs.OpenAsync(invocation, cancellation);
        IReadOnlyList<long> chosen = await ChooseAsync(state, ids, mapping, cancellation);
        return await RequestVerbs.AskAsync(
            invocation, state, "dlq_retry",
            new JsonObject { ["mapping"] = mapping, ["ids"] = new JsonArray([.. chosen.Select(id => JsonValue.Create(id))]) }, cancellation);
    }

    public static async Task<SyncExit> DropAsync(
        SyncInvocation invocation, IReadOnlyList<long> ids, string? mapping, bool all, CancellationToken cancellation)
    {
        Require(ids, mapping, all);
        await using SqlSyncState state = await RequestVerbs.OpenAsync(invocation, cancellation);
        IReadOnlyList<long> chosen = await ChooseAsync(state, ids, mapping, cancellation);
        if (ids.Count == 0 && !invocation.Confirm($"Close {chosen.Count} letters without applying them?"))
        {
            return SyncExit.Failed;
        }

        invocation.Console.Print($"{await state.CloseLettersAsync(chosen, LetterState.Dropped, cancellation)} dropped");
        return SyncExit.Done;
    }

    private static void Require(IReadOnlyList<long> ids, string? mapping, bool all)
    {
        if (ids.Count == 0 && mapping is null && !all)
        {
            throw new SyncException(SyncExit.Usage, "bad_argument", "Which letters?", "give their numbers, --mapping or --all");
        }
    }

    private static async Task<IReadOnlyList<long>> ChooseAsync(SqlSyncState state, IReadOnlyList<long> ids, string? mapping, CancellationToken cancellation)
    {
        DeadLetter[] unsettled = [.. (await state.ListLettersAsync(mapping, null, int.MaxValue, cancellation))
            .Where(l => l.State is LetterState.Open or LetterState.Permanent)];
        if (ids.Count == 0)
        {
            return [.. unsettled.Select(l => l.Id)];
        }

        return ids.FirstOrDefault(id => unsettled.All(l => l.Id != id)) is var unknown and not 0
            ? throw new SyncException(SyncExit.NotFound, "letter_not_found", $"There is no open letter {unknown}.")
            : ids;
    }
}
