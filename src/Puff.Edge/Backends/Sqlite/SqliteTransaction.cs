namespace Puff.Edge.Backends.Sqlite;

/// <summary>A commit: everything or nothing.</summary>
internal static class SqliteTransaction
{
    /// <summary>An address for bytes that are none.</summary>
    public static readonly byte[] Place = new byte[1];

    public static void Run(SqliteStatement begin, SqliteStatement commit, SqliteStatement rollback, Action body)
    {
        Step(begin);
        try
        {
            body();
            Step(commit);
        }
        catch
        {
            try
            {
                Step(rollback);
            }
            catch (Transport.EdgeException)
            {
                // Some failures end the transaction by themselves; the first error is the one to tell.
            }

            throw;
        }
    }

    private static void Step(SqliteStatement statement)
    {
        try
        {
            statement.Step();
        }
        finally
        {
            statement.Reset();
        }
    }
}
