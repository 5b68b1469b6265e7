namespace Puff.Edge.Backends;

internal enum SqlKind { Null, Int64, Double, Text, Bytes }

/// <summary>An engine that speaks SQL.</summary>
internal interface ISqlBackend
{
    /// <summary>A connection of its own: what it begins and does not commit is rolled back when it is disposed.</summary>
    ISqlSession OpenSession();
}

internal interface ISqlSession : IDisposable
{
    /// <summary>Prepares the one statement of a text; whatever else stands there is refused.</summary>
    ISqlStatement Prepare(string text);
}

/// <summary>A statement that is run by stepping through its rows.</summary>
internal interface ISqlStatement : IDisposable
{
    int ColumnCount { get; }

    /// <summary>True when a row is there.</summary>
    bool Step(CancellationToken cancellation);

    /// <summary>Rows that the statement changed, when it has ended; 0 for definitions of data.</summary>
    long RowsChanged { get; }

    SqlKind KindOf(int column);

    long GetInt64(int column);

    double GetDouble(int column);

    /// <summary>Text (UTF-8) or bytes; valid until the next step.</summary>
    ReadOnlySpan<byte> GetBytes(int column);
}
