using Puff.Engine;
using Puff.Engine.Namespaces;

namespace Puff.TestKit.Simulation;

internal enum ClientKind
{
    Write,

    /// <summary>A write whose condition never holds.</summary>
    IdleWrite,
    Delete,
    SetReadOnly,
    Branch,
    Copy,
    StrongRead,
    EventualRead,
    Describe,
    List,
}

/// <summary>One call of a client, from its beginning to what it was told; what really became of it is noted beside.</summary>
internal sealed class ClientOperation
{
    public required int Number { get; init; }

    public required ClientKind Kind { get; init; }

    /// <summary>The namespace; the prefix for a listing.</summary>
    public required string Target { get; init; }

    public required string Node { get; init; }

    public string? Source { get; init; }

    public ModelWrite? Write { get; init; }

    public ModelCondition? Filter { get; init; }

    public bool Flag { get; init; }

    public required long Invoked { get; init; }

    /// <summary>When the client heard; <see cref="long.MaxValue"/> when it never did.</summary>
    public long Responded { get; private set; } = long.MaxValue;

    public PuffException? Error { get; private set; }

    public WriteResult? Result { get; set; }

    /// <summary>What a read saw, as the model's text.</summary>
    public string? Seen { get; set; }

    /// <summary>Names a description or a listing gave.</summary>
    public IReadOnlyCollection<string>? SeenNames { get; set; }

    public bool SeenReadOnly { get; set; }

    /// <summary>When the log shows it; null for never.</summary>
    public long? Committed { get; set; }

    public ModelResult Expected { get; set; }

    public bool IsAcknowledged => Responded != long.MaxValue && Error is null;

    /// <summary>The caller was told for certain that nothing happened.</summary>
    public bool IsRefused => Error is { Kind: not ErrorKind.Unavailable };

    public void Complete(long step, PuffException? error)
    {
        Responded = step;
        Error = error;
    }

    public override string ToString() =>
        $"operation {Number} ({Kind} {Target}{(Source is null ? "" : $" from {Source}")} on {Node}, "
        + $"steps {Invoked}..{(Responded == long.MaxValue ? "never" : Responded)}"
        + $"{(Error is null ? "" : $", {Error.Kind}: {Error.Message}")})";
}
