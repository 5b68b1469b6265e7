using Puff.Engine.Schema;
using Puff.Sync.Changes;

namespace Puff.Sync.Documents;

internal enum DocumentOperation : byte { Upsert, Patch, Delete }

/// <summary>What is to happen to one document of a namespace: the end of the way from a row change, ready to be written.</summary>
/// <param name="Id">UInt, Uuid or String, as the mapping's id type says.</param>
/// <param name="Attributes">Of upserts all attributes, of patches those that change, of deletes none; without `id`.</param>
/// <param name="Position">Of the change it comes from; of snapshot rows the boundary they were read at.</param>
/// <param name="CommitMicroseconds">When the change was committed, microseconds since 2000-01-01 UTC; 0 when unknown.</param>
internal sealed record DocumentAction(
    DocumentOperation Operation, Value Id, IReadOnlyList<KeyValuePair<string, Value>> Attributes, SyncPosition Position, long CommitMicroseconds = 0);
