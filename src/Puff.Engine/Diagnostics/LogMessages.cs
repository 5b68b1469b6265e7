using Microsoft.Extensions.Logging;

namespace Puff.Engine.Diagnostics;

/// <summary>Every message the engine logs, numbered. Keys, ids and counts only, never attribute values or vectors.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Error, "WAL entry {Key} is damaged and left out, as the policy `skip` says: {Damage}")]
    public static partial void CorruptEntrySkipped(ILogger log, string key, string damage);

    [LoggerMessage(2, LogLevel.Information, "Indexed \"{Namespace}\" through {Sequence}: {Documents} documents in {Segment}")]
    public static partial void Indexed(ILogger log, string @namespace, long sequence, int documents, string segment);

    [LoggerMessage(3, LogLevel.Information, "Merged {Count} segments of \"{Namespace}\" into {Segment} with {Documents} documents")]
    public static partial void Merged(ILogger log, int count, string @namespace, string segment, int documents);

    [LoggerMessage(4, LogLevel.Information, "Another indexer published \"{Namespace}\" first; this work is dropped")]
    public static partial void PublishLost(ILogger log, string @namespace);

    [LoggerMessage(5, LogLevel.Warning, "Background work on \"{Namespace}\" failed and will be tried again: {Reason}")]
    public static partial void BackgroundFailed(ILogger log, string @namespace, string reason);

    [LoggerMessage(6, LogLevel.Information, "Collected {Count} objects of \"{Namespace}\"")]
    public static partial void Collected(ILogger log, int count, string @namespace);

    [LoggerMessage(7, LogLevel.Information, "Trained a cluster tree of {Nodes} nodes for {Vectors} vectors of \"{Attribute}\" in \"{Namespace}\"")]
    public static partial void TreeTrained(ILogger log, string @namespace, string attribute, int vectors, int nodes);

    [LoggerMessage(9, LogLevel.Warning, "{Key} is damaged and counts as empty: {Damage}")]
    public static partial void HintDamaged(ILogger log, string key, string damage);

    [LoggerMessage(10, LogLevel.Information, "Another node has taken over the indexing of \"{Namespace}\"")]
    public static partial void LeaseLost(ILogger log, string @namespace);

    [LoggerMessage(8, LogLevel.Information, "Split leaves of the cluster tree of \"{Attribute}\" in \"{Namespace}\": {Added} new nodes, {Nodes} in all")]
    public static partial void TreeGrew(ILogger log, string @namespace, string attribute, int added, int nodes);

    [LoggerMessage(11, LogLevel.Warning, "Searches of \"{Namespace}\" find too little in tree {Tree:x16}, however much they look at: it is to be trained anew")]
    public static partial void RecallStaysLow(ILogger log, string @namespace, ulong tree);

    [LoggerMessage(9, LogLevel.Information, "Removed pin {Key}: the branch it was put for never came to be")]
    public static partial void DeadPinRemoved(ILogger log, string key);

    [LoggerMessage(11, LogLevel.Warning,
        "Manifest {Key}, kept for restoring \"{Namespace}\", is damaged: what is older than it is not collected until its time is over or it is removed")]
    public static partial void KeptManifestDamaged(ILogger log, string key, string @namespace);
}
