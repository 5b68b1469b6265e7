using System.Buffers;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>Reading the items of a stream, as far as they are at hand.</summary>
internal static class Requests
{
    /// <summary>Items and bytes of one round: what is committed together for one stream.</summary>
    public const int MaxItems = 4_096;
    public const int MaxBytes = 4 << 20;

    /// <summary>An item that may be missing changes nothing and is answered, unless the call asks for strictness.</summary>
    public static bool IsStrict(GrpcCall call) => call.Metadata("edge-strict") == "1";

    /// <summary>
    /// Parses what is at hand, up to the bounds of a round. A failure ends the round: what came before it is still to be done and answered, then it is thrown.
    /// </summary>
    public static EdgeException? Take<TItem>(GrpcCall call, List<TItem> items, int maxItems, Func<ReadOnlySequence<byte>, TItem> parse)
    {
        items.Clear();
        long bytes = 0;
        try
        {
            while (items.Count < maxItems && bytes < MaxBytes && call.TryRead(out ReadOnlySequence<byte> message))
            {
                bytes += message.Length;
                items.Add(parse(message));
            }

            return null;
        }
        catch (EdgeException error)
        {
            return error;
        }
    }

    /// <summary>A message in one piece; copied only when it lies in several.</summary>
    public static ReadOnlySpan<byte> Span(ReadOnlySequence<byte> message) => message.IsSingleSegment ? message.FirstSpan : message.ToArray();

    /// <summary>An answer that repeats an id: field 1; id 0 is the default and takes no bytes.</summary>
    public static void WriteId(GrpcCall call, ulong id)
    {
        Span<byte> answer = stackalloc byte[MessageWriter.MaxField];
        call.Write(id == 0 ? [] : answer[..MessageWriter.Number(answer, 1, id)]);
    }

    /// <summary>An answer of one text or bytes in field 1; the empty one is the default and takes no bytes.</summary>
    public static void WriteBytes(GrpcCall call, ReadOnlySpan<byte> value)
    {
        Span<byte> head = stackalloc byte[MessageWriter.MaxField];
        call.Write(value.IsEmpty ? [] : head[..MessageWriter.Head(head, 1, value.Length)], value);
    }
}
