namespace Puff.Sync.Transforms;

/// <summary>
/// A transform in C#: turns changes of a table into actions on documents. Named by `type` of a migration with `kind = "csharp"`, or registered in code. The
/// class needs a constructor without parameters when it is loaded from an assembly. An exception fails the whole call: the runner then halves the batch to
/// find the guilty changes.
/// </summary>
public interface ISyncTransform
{
    /// <summary>Called once before the first changes.</summary>
    ValueTask SetupAsync(TransformContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Gives every change at least one action. An id stands in one call at most once.</summary>
    /// <param name="changes">Valid until the call ends.</param>
    /// <param name="cancellationToken">Fires at the mapping's timeout and at shutdown.</param>
    ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken);
}

/// <summary>What a transform knows of its place.</summary>
/// <param name="Mapping">The mapping's name.</param>
/// <param name="Namespace">Where documents go, prefix included.</param>
/// <param name="Migration">The migration's directory name.</param>
/// <param name="Environment">The merged environment, without the credentials of databases.</param>
/// <param name="Attempt">1, 2, …</param>
/// <param name="IsDryRun">Nothing will be written.</param>
/// <param name="Log">Takes a level (debug, info, warn, error) and a message.</param>
public sealed record TransformContext(
    string Mapping, string Namespace, string Migration, IReadOnlyDictionary<string, string> Environment, int Attempt, bool IsDryRun,
    Action<string, string> Log);
