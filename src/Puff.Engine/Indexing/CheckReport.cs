namespace Puff.Engine.Indexing;

/// <summary>What a check of stored objects found.</summary>
/// <param name="Namespaces">Namespaces looked at, ended ones included.</param>
/// <param name="Objects">Objects read to the last byte.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Problems">What is damaged or missing; empty when all is well.</param>
/// <param name="Unreferenced">Objects that nothing needs: given up and waiting for the collector, or left by a crash. No problem.</param>
public sealed record CheckReport(
    int Namespaces, long Objects, long Bytes, IReadOnlyList<CheckProblem> Problems, IReadOnlyList<string> Unreferenced);

/// <summary>One damaged or missing object.</summary>
public sealed record CheckProblem(string Namespace, string Key, string Problem);

/// <summary>A stored object in words: fields, and tables of what it lists.</summary>
public sealed record InspectionReport(string Key, IReadOnlyList<KeyValuePair<string, string>> Fields, IReadOnlyList<InspectionTable> Tables);

/// <summary>Rows of text under column titles.</summary>
public sealed record InspectionTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);
