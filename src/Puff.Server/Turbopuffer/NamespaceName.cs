using System.Buffers;
using Puff.Engine;

namespace Puff.Server.Turbopuffer;

/// <summary>The rule for names of namespaces (turbopuffer-api 2.1).</summary>
internal static class NamespaceName
{
    private const int MaxLength = 128;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    public static bool IsValid(ReadOnlySpan<char> name) => name.Length is >= 1 and <= MaxLength && name.IndexOfAnyExcept(Allowed) < 0;

    public static string Check(string name) => IsValid(name)
        ? name
        : throw PuffException.Invalid(
            $"a namespace name has 1 to {MaxLength} characters out of letters, digits, '-', '_' and '.'; this one has {name.Length} characters");
}
