using System.Security.Cryptography;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>Eq and NotEq over values of any size: 32 bytes are kept of each value for NotEq, of one for Eq.</summary>
internal sealed class Comparison(bool wantsEqual)
{
    private readonly HashSet<UInt256> seen = [];
    private UInt256? first;

    /// <summary>False as soon as the verdict is: what follows need not be read.</summary>
    public bool Add(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        var digest = new UInt256(
            BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]), BitConverter.ToUInt64(hash[16..]), BitConverter.ToUInt64(hash[24..]));
        if (!wantsEqual)
        {
            return seen.Add(digest);
        }

        first ??= digest;
        return first == digest;
    }

    /// <summary>Answers with a google.protobuf.BoolValue; false is its default and takes no bytes.</summary>
    public static void Answer(GrpcCall call, bool verdict) => call.Write(verdict ? [0x08, 0x01] : []);

    private readonly record struct UInt256(ulong A, ulong B, ulong C, ulong D);
}
