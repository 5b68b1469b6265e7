using Puff.Sync.Destinations;
using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>Deletes namespaces at the destinations that they are written to; that one does not exist is fine.</summary>
internal static class NamespaceDropper
{
    public static async Task DropAsync(
        SyncInvocation invocation, SyncProject project, EngineOpener openEngine, IEnumerable<MappingRecord> mappings, CancellationToken cancellation)
    {
        await using var setup = new PipelineSetup(project, openEngine, new PipelineEvents(invocation.Clock), invocation.Clock);
        foreach (MappingRecord mapping in mappings.DistinctBy(one => (one.Destination, one.Namespace)))
        {
            try
            {
                IDestination destination = await setup.DestinationAsync(mapping.Destination, cancellation);
                await destination.DropAsync(mapping.Namespace, cancellation);
            }
            catch (DestinationException failed)
            {
                SyncExit exit = failed.Failure == DestinationFailure.Temporary ? SyncExit.Temporary : SyncExit.NotAllowed;
                throw new SyncException(
                    exit, failed.Code, $"Namespace {mapping.Namespace} was not deleted: {failed.Message}", "Run the command again.", failed);
            }
        }
    }
}
