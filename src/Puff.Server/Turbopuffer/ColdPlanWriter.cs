using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// The answer to a cold-plan preview. The rounds are those of openpuffer (extensions 8.2), filled with the requests that do the same work here; `steps` are
/// the requests and bytes as they are sent.
/// </summary>
internal static class ColdPlanWriter
{
    /// <summary>Besides the clusters that a plan names, openpuffer allows for so many.</summary>
    private const long MoreClusters = 4;

    private static readonly string[] Codes = ["codes", "vectors"];

    public static void Write(JsonOutput output, ColdPlanRequest request, ColdPlan plan)
    {
        bool isStrong = request.Consistency == Consistency.Strong;
        long opening = isStrong ? plan.Opening.Where(k => k.Kind is not ("wal" or "list")).Sum(k => k.Requests) : 0;
        long tail = isStrong ? plan.LogEntries : 0;
        long vectors = request.VectorField is null ? 0 : plan.First.Where(k => Codes.Contains(k.Kind)).Sum(k => k.Requests);
        long others = plan.First.Where(k => request.VectorField is null || !Codes.Contains(k.Kind)).Sum(k => k.Requests);
        long[] rounds = [opening, others, vectors, tail];
        output.BeginObject();
        output.Name("consistency"u8);
        output.Text(isStrong ? "strong" : "eventual");
        output.Name("plan_opts"u8);
        output.BeginObject();
        Flag(output, "view_pinned"u8, plan.IsHeld);
        Flag(output, "include_wal_round"u8, isStrong && !plan.IsHeld);
        Flag(output, "include_wal_tail"u8, tail > 0);
        output.EndObject();
        output.Name("round_key_counts"u8);
        output.BeginObject();
        Number(output, "round1"u8, rounds[0]);
        Number(output, "round2"u8, rounds[1]);
        Number(output, "round3"u8, rounds[2]);
        Number(output, "round4"u8, rounds[3]);
        output.EndObject();
        Number(output, "storage_roundtrips"u8, rounds.Count(r => r > 0));
        Number(output, "total_keys"u8, rounds.Sum());
        WriteProbes(output, request.VectorField, vectors);
        WriteSteps(output, plan);
        output.EndObject();
    }

    /// <summary>One level of clusters: those above come with the opening step.</summary>
    private static void WriteProbes(JsonOutput output, string? field, long requests)
    {
        output.Name("probe_plan"u8);
        output.BeginArray();
        if (field is not null)
        {
            output.BeginObject();
            output.Name("vector_field"u8);
            output.Text(field);
            Number(output, "probe_coarse"u8, requests);
            Number(output, "probe_fine"u8, 0);
            Number(output, "cluster_get_upper_bound"u8, requests + MoreClusters);
            Number(output, "round3_key_count"u8, requests);
            output.EndObject();
        }

        output.EndArray();
    }

    private static void WriteSteps(JsonOutput output, ColdPlan plan)
    {
        output.Name("steps"u8);
        output.BeginArray();
        foreach (var step in plan.Opening.Concat(plan.First.Select(k => k with { Step = plan.Opening.Max(o => o.Step) + 1 })).GroupBy(k => k.Step))
        {
            output.BeginObject();
            Number(output, "step"u8, step.Key);
            Number(output, "requests"u8, step.Sum(k => k.Requests));
            Number(output, "bytes"u8, step.Sum(k => k.Bytes));
            output.Name("kinds"u8);
            output.BeginArray();
            foreach (var kind in step)
            {
                output.BeginObject();
                output.Name("kind"u8);
                output.Text(kind.Kind);
                Number(output, "requests"u8, kind.Requests);
                Number(output, "bytes"u8, kind.Bytes);
                output.EndObject();
            }

            output.EndArray();
            output.EndObject();
        }

        output.EndArray();
        Number(output, "rows_at_most"u8, plan.Rows);
    }

    private static void Flag(JsonOutput output, ReadOnlySpan<byte> name, bool value)
    {
        output.Name(name);
        output.Bool(value);
    }

    private static void Number(JsonOutput output, ReadOnlySpan<byte> name, long value)
    {
        output.Name(name);
        output.Number(value);
    }
}
