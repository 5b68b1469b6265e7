namespace Puff.Engine.Filters;

/// <summary>The whole string matches a glob.</summary>
internal sealed class GlobMatcher : PatternMatcher
{
    private readonly GlobProgram program;

    // Set for the common patterns of literal text and `*` only, which need no states.
    private readonly LiteralRuns? literals;

    /// <exception cref="FormatException">The pattern is malformed; the message says how.</exception>
    public GlobMatcher(byte[] pattern, bool ignoreCase)
    {
        program = GlobCompiler.Compile(pattern, ignoreCase);
        var required = GlobLiterals.Of(program);
        Prefix = required.Prefix;
        IsPrefixOnly = required.IsPrefixOnly;
        Pieces = TextPieces.TryCreate([required.Literals]);
        literals = ignoreCase ? null : LiteralRuns.TryCreate(pattern);
    }

    protected override bool Matches(ReadOnlySpan<byte> value) => literals?.Matches(value) ?? program.Matches(value);
}
