using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine.Indexing;
using Puff.Engine.Storage;

namespace Puff.Engine;

/// <summary>The parts a user swaps; the simulation swaps all of them.</summary>
public sealed record EngineComponents
{
    public required IObjectStore Store { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Source of writer, batch, epoch and segment ids. Called under a lock.</summary>
    public Random Random { get; init; } = CreateRandom();

    /// <summary>Where the work of indexing runs: its threads yield to everything else.</summary>
    public TaskScheduler Background { get; init; } = BackgroundThreads.Shared;

    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;

    private static Random CreateRandom()
    {
        // The one place where chance enters: a real process needs ids no other process has, so the seed comes from the system.
#pragma warning disable RS0030
        return new SystemRandom();
#pragma warning restore RS0030
    }

    /// <summary>The operating system's random numbers behind the Random interface.</summary>
    private sealed class SystemRandom : Random
    {
        public override void NextBytes(Span<byte> buffer) => System.Security.Cryptography.RandomNumberGenerator.Fill(buffer);

        public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

        public override long NextInt64()
        {
            Span<byte> bytes = stackalloc byte[8];
            NextBytes(bytes);
            return BitConverter.ToInt64(bytes) & long.MaxValue;
        }

        public override int Next() => (int)(NextInt64() & 0x3FFFFFFF);

        public override int Next(int maxValue) => (int)(NextInt64() % maxValue);

        public override int Next(int minValue, int maxValue) => (int)(minValue + NextInt64() % ((long)maxValue - minValue));

        public override double NextDouble() => (NextInt64() >> 10) * (1.0 / (1L << 53));
    }
}
