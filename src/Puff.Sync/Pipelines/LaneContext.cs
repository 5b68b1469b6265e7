using Puff.Sync.Destinations;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.State;
using Puff.Sync.Transforms;

namespace Puff.Sync.Pipelines;

/// <summary>One live mapping with everything it needs to run.</summary>
/// <param name="Record">As the state has it.</param>
/// <param name="Namespace">As stored, prefix included.</param>
/// <param name="Transform">Null when documents are the rows.</param>
internal sealed record PipelineMapping(
    MappingDefinition Definition, MappingRecord Record, string Namespace, IRowPlan Plan, IDestination Destination, ITransform? Transform);

/// <summary>What all lanes of a pipeline share.</summary>
/// <param name="Budget">Of what the stream brings.</param>
/// <param name="PageBudget">Of rows read beside it: apart, because a held page waits for the stream, which must not wait for the page.</param>
/// <param name="Random">For jitter.</param>
/// <param name="Wake">Asks for a heartbeat: a page waits for the stream.</param>
internal sealed record LaneContext(
    PipelineOptions Options, ISyncState State, IRowSource Rows, MemoryBudget Budget, MemoryBudget PageBudget, Turnstile WriteGate, TimeProvider Time,
        Random Random,
    PipelineEvents Events, Signal Wake)
{
    /// <summary>Doubles from the base to the maximum, full jitter.</summary>
    public TimeSpan Backoff(int attempt)
    {
        double ceiling = Math.Min(Options.RetryMax.TotalMilliseconds, Options.RetryBase.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 30)));
        lock (Random)
        {
            return TimeSpan.FromMilliseconds(Random.NextDouble() * ceiling);
        }
    }

    /// <summary>Tells the state until it has heard.</summary>
    public Task RecordAsync(Func<ISyncState, Task> action, CancellationToken cancellation) => AskAsync(
        async state =>
        {
            await action(state);
            return true;
        },
        cancellation);

    /// <summary>Asks the state until it answers.</summary>
    public async Task<T> AskAsync<T>(Func<ISyncState, Task<T>> question, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await question(State);
            }
            catch (StateUnavailableException failure)
            {
                Events.StateUnavailable(failure.Message);
                await Task.Delay(Backoff(attempt), Time, cancellation);
            }
        }
    }
}

/// <summary>A mapping cannot go on until a person has mended something; others can.</summary>
internal sealed class LaneStoppedException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;
}
