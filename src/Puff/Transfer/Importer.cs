using System.Text.Json.Nodes;
using Puff.Client;

namespace Puff.Transfer;

/// <summary>What to import and how.</summary>
/// <param name="Namespace">Target.</param>
/// <param name="Schema">Declared attributes, or null.</param>
/// <param name="DistanceMetric">Needed with the first vectors of a namespace; or null.</param>
/// <param name="BatchRows">Rows of one write request.</param>
/// <param name="Parallel">Requests in flight.</param>
/// <param name="SkipRows">Rows done by an earlier run.</param>
internal sealed record ImportPlan(string Namespace, JsonObject? Schema, string? DistanceMetric, int BatchRows, int Parallel, long SkipRows);

/// <summary>
/// Streams rows into write requests, several in flight. The first request travels alone: it may create the namespace and its schema, and if the
/// data is wrong, it is wrong there. Memory is bounded by the requests in flight.
/// </summary>
internal sealed class Importer(PuffClient client, ImportPlan plan)
{
    // Far below the server's limit of 512 MB, and still enough to keep it busy.
    private const int MaxBatchBytes = 16 << 20;

    private readonly Queue<(Task Request, int Rows)> inFlight = new();

    /// <param name="source">Rows.</param>
    /// <param name="progress">Told after each acknowledged request: fraction of the source read, and rows done (skipped ones included).</param>
    /// <returns>Rows done, skipped ones included.</returns>
    public async Task<long> RunAsync(IRowSource source, Action<double?, long> progress, CancellationToken cancellation)
    {
        for (long row = 0; row < plan.SkipRows; row++)
        {
            if (source.Read() == null)
            {
                throw new CommandException(ExitCode.Failed, $"the source has fewer than the {plan.SkipRows} rows already imported; start without --resume");
            }
        }

        long done = plan.SkipRows;
        byte[] head = Head(source);
        bool isFirst = true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            while (NextBatch(source, head) is { } batch)
            {
                inFlight.Enqueue((SendAsync(batch.Body, stop.Token), batch.Rows));
                if (isFirst || inFlight.Count >= plan.Parallel)
                {
                    done += await OldestAsync();
                    progress(source.Fraction, done);
                }

                isFirst = false;
            }

            while (inFlight.Count > 0)
            {
                done += await OldestAsync();
                progress(source.Fraction, done);
            }

            return done;
        }
        finally
        {
            // After a failure nothing may be left running; what these requests say no longer matters.
            await stop.CancelAsync();
            foreach ((Task request, _) in inFlight)
            {
                await request.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<int> OldestAsync()
    {
        (Task request, int rows) = inFlight.Dequeue();
        await request;
        return rows;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        using var answer = await client.PostAsync(PuffClient.NamespacePath(2, plan.Namespace), body, cancellation);
    }

    /// <summary>The beginning of every request body, up to the opening bracket of the rows.</summary>
    private byte[] Head(IRowSource source)
    {
        var schema = (JsonObject?)plan.Schema?.DeepClone() ?? [];
        foreach ((string name, string type) in source.Types.Where(pair => !schema.ContainsKey(pair.Key)))
        {
            schema[name] = type;
        }

        string metric = plan.DistanceMetric == null ? "" : $"\"distance_metric\":{JsonValue.Create(plan.DistanceMetric).ToJsonString()},";
        string types = schema.Count == 0 ? "" : $"\"schema\":{schema.ToJsonString()},";
        return System.Text.Encoding.UTF8.GetBytes($"{{{metric}{types}\"upsert_rows\":[");
    }

    private (byte[] Body, int Rows)? NextBatch(IRowSource source, byte[] head)
    {
        using var body = new MemoryStream();
        body.Write(head);
        int rows = 0;
        while (rows < plan.BatchRows && body.Length < MaxBatchBytes && source.Read() is { } row)
        {
            if (rows++ > 0)
            {
                body.WriteByte((byte)',');
            }

            body.Write(row.Span);
        }

        body.Write("]}"u8);
        return rows == 0 ? null : (body.ToArray(), rows);
    }
}
