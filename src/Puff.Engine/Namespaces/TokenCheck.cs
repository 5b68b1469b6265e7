using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

/// <summary>Decides by the token that is stored whether a write with a token may happen.</summary>
internal static class TokenCheck
{
    /// <summary>True when the write has happened before.</summary>
    /// <param name="current">What is stored under the token's name.</param>
    /// <param name="request">With a token.</param>
    /// <param name="namespaceName">For messages.</param>
    /// <exception cref="PuffException">Conflict: something else is stored than the write expects. Invalid: the token is too long.</exception>
    public static bool IsRepeated(NamespaceToken? current, WriteRequest request, string namespaceName)
    {
        var token = request.Token!;
        CheckLength(token.Name, NamespaceToken.MaxNameBytes, "name");
        CheckLength(token.Position, NamespaceToken.MaxPositionBytes, "position");
        CheckLength(token.Payload ?? "", NamespaceToken.MaxPayloadBytes, "payload");
        if (token == request.ExpectedToken || token.Name.Length == 0)
        {
            throw PuffException.Invalid("a token has a name, and every write a token that differs from the one before");
        }

        if (current == request.ExpectedToken)
        {
            return false;
        }

        return current == token ? true : throw PuffException.Conflict(
            $"namespace \"{namespaceName}\" holds {Describe(current)} under token \"{token.Name}\", not {Describe(request.ExpectedToken)}: "
            + "somebody else has written since; read the token and go on from there");
    }

    /// <exception cref="PuffException">Invalid: the namespace would have too many tokens.</exception>
    public static void RequireRoom(NamespaceState state, IReadOnlyList<NamespaceToken> added, string namespaceName)
    {
        if (state.IsLive && TokenFormat.Merge(state.Tokens, added).Length > NamespaceToken.MaxTokens)
        {
            throw PuffException.Invalid($"namespace \"{namespaceName}\" would have more than {NamespaceToken.MaxTokens} tokens");
        }
    }

    private static void CheckLength(string text, int limit, string what)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(text) > limit)
        {
            throw PuffException.Invalid($"the {what} of a token has at most {limit} bytes");
        }
    }

    private static string Describe(NamespaceToken? token) => token is null ? "nothing" : $"position {token.Position}";
}
