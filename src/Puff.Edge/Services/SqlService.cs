using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Puff.Edge.Backends;
using Puff.Edge.Protos.Query;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>Raw SQL (buffdb.query.Query, and the methods of the same names of the other services). One connection per store serves a whole stream.</summary>
/// <param name="stores">The SQL side of the stores; null where an engine has none.</param>
internal sealed class SqlService(IReadOnlyDictionary<TargetStore, ISqlBackend?> stores, ServiceOptions options)
{
    private const string LegacyTypes =
        "https://github.com/protocolbuffers/protobuf/raw/db48abbef49312d76d442c0cde6a551961726b28/src/google/protobuf/";

    private const string StandardTypes = "type.googleapis.com/google.protobuf.";

    /// <param name="fixedTarget">Null where the request names the store.</param>
    public Task QueryAsync(GrpcCall call, TargetStore? fixedTarget) => RunAsync(call, fixedTarget, StreamRowsAsync);

    public Task ExecuteAsync(GrpcCall call, TargetStore? fixedTarget) => RunAsync(call, fixedTarget, CountAsync);

    private async Task RunAsync(GrpcCall call, TargetStore? fixedTarget, Func<GrpcCall, ISqlStatement, Task> answer)
    {
        if (!options.AllowsSql && call.LocalAddress is { } address && !IPAddress.IsLoopback(address))
        {
            throw new EdgeException(GrpcStatus.PermissionDenied, "raw SQL is off on addresses that are not loopback; start the server with --allow-sql");
        }

        var sessions = new Dictionary<TargetStore, ISqlSession>();
        try
        {
            while (await call.WaitToReadAsync())
            {
                while (call.TryRead(out var message))
                {
                    RawQuery request = Parse(message);
                    using ISqlStatement statement = SessionOf(fixedTarget ?? request.Target, sessions).Prepare(request.Query);
                    await answer(call, statement);
                }

                await call.FlushAsync();
            }
        }
        finally
        {
            foreach (ISqlSession session in sessions.Values)
            {
                session.Dispose();
            }
        }
    }

    private static RawQuery Parse(System.Buffers.ReadOnlySequence<byte> message)
    {
        try
        {
            return RawQuery.Parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new EdgeException(GrpcStatus.Internal, $"a message is no valid protobuf: {error.Message}", error);
        }
    }

    private ISqlSession SessionOf(TargetStore target, Dictionary<TargetStore, ISqlSession> sessions)
    {
        if (!stores.TryGetValue(target, out ISqlBackend? backend))
        {
            throw EdgeException.Invalid($"{(int)target} is no store: 0 is the key-value store, 1 the blob store");
        }

        if (backend is null)
        {
            throw new EdgeException(GrpcStatus.Unimplemented, "this store's engine has no SQL");
        }

        if (!sessions.TryGetValue(target, out ISqlSession? session))
        {
            session = backend.OpenSession();
            sessions.Add(target, session);
        }

        return session;
    }

    private static async Task StreamRowsAsync(GrpcCall call, ISqlStatement statement)
    {
        bool isStandard = call.Metadata("edge-any") == "standard";
        while (statement.Step(call.Cancellation))
        {
            var row = new QueryResult();
            for (int column = 0; column < statement.ColumnCount; column++)
            {
                row.Fields.Add(FieldOf(statement, column, isStandard));
            }

            call.Write(row.ToByteArray());
            if (call.IsFull)
            {
                await call.FlushAsync();
            }
        }
    }

    private static Task CountAsync(GrpcCall call, ISqlStatement statement)
    {
        if (statement.ColumnCount > 0)
        {
            throw EdgeException.Invalid("Execute takes statements without rows; send this one to Query");
        }

        while (statement.Step(call.Cancellation))
        {
        }

        call.Write(new RowsChanged { RowsChanged_ = (ulong)statement.RowsChanged }.ToByteArray());
        return Task.CompletedTask;
    }

    private static Any FieldOf(ISqlStatement statement, int column, bool isStandard)
    {
        IMessage? value = statement.KindOf(column) switch
        {
            SqlKind.Int64 => new Int64Value { Value = statement.GetInt64(column) },
            SqlKind.Double => new DoubleValue { Value = statement.GetDouble(column) },
            SqlKind.Text => new StringValue { Value = System.Text.Encoding.UTF8.GetString(statement.GetBytes(column)) },
            SqlKind.Bytes => new BytesValue { Value = ByteString.CopyFrom(statement.GetBytes(column)) },
            _ => isStandard ? Value.ForNull() : null,
        };
        string type = (isStandard, value) switch
        {
            (true, not null) => StandardTypes + value.Descriptor.Name,
            (false, null) => LegacyTypes + "struct.proto",
            _ => LegacyTypes + "wrappers.proto",
        };
        return new Any { TypeUrl = type, Value = value?.ToByteString() ?? ByteString.Empty };
    }
}
