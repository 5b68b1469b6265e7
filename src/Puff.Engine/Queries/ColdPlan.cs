namespace Puff.Engine.Queries;

/// <summary>
/// What a query would ask of the store on a node that has nothing of the namespace, found out without running it: opening the namespace, and the first step
/// after that. What later steps read depends on what this one brings.
/// </summary>
/// <param name="Opening">The requests of the first step, which were made to find this out.</param>
/// <param name="First">What the query's own first step would ask for; empty when opening brings all of that.</param>
/// <param name="Rows">Of so many documents at most, ids and attributes are read in the end, when they did not come along.</param>
/// <param name="LogEntries">Entries of the log that opening reads: writes that are not indexed.</param>
/// <param name="IsHeld">Whether this node has the namespace open.</param>
public sealed record ColdPlan(IReadOnlyList<KindReads> Opening, IReadOnlyList<KindReads> First, int Rows, int LogEntries, bool IsHeld);
