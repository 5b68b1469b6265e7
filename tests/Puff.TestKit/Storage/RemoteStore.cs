using Puff.Engine.Storage;

namespace Puff.TestKit.Storage;

/// <summary>A store that maps nothing in place, as remote ones do, with each GET open to a test: to hold, fail, shorten or damage it.</summary>
public sealed class RemoteStore(IObjectStore inner) : DelegatingObjectStore(inner)
{
    private readonly Lock gate = new();
    private readonly List<(string Key, long Offset, long Length)> gets = [];

    public override StoreCapabilities Capabilities => Inner.Capabilities with { SupportsMapping = false };

    /// <summary>Called with the number of the ranged GET, from 1, before it happens.</summary>
    public Func<int, ValueTask> Before { get; set; } = _ => default;

    /// <summary>Called with the number of the ranged GET and its result; the result it returns takes the place of that.</summary>
    public Func<int, GetResult, GetResult> After { get; set; } = (_, result) => result;

    /// <summary>The ranged GETs so far.</summary>
    public IReadOnlyList<(string Key, long Offset, long Length)> Gets
    {
        get
        {
            lock (gate)
            {
                return [.. gets];
            }
        }
    }

    public override async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        if (options.Offset is not { } offset)
        {
            return await Inner.GetAsync(key, options, purpose, cancellation);
        }

        int number;
        lock (gate)
        {
            gets.Add((key, offset, options.Length ?? -1));
            number = gets.Count;
        }

        await Before(number);
        return After(number, await Inner.GetAsync(key, options, purpose, cancellation));
    }

    /// <summary>A copy of a result with other content.</summary>
    public static GetResult With(GetResult result, Func<byte[], byte[]> change)
    {
        byte[] content = change(result.Content!.Span.ToArray());
        result.Content.Release();
        return result with { Content = NativeObjectMemory.CopyOf(content) };
    }
}
