using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>The text format of COPY: escapes, nulls, rows over the ends of buffers.</summary>
public sealed class CopyTextReaderTests
{
    [Fact]
    public async Task Escapes_nulls_and_empty_values_are_told_apart()
    {
        Assert.Equal(
            ["new('a\tb\\c', null, '')", "new('\n\r\b\f\v', '\\N', 'ü')"],
            await ReadAsync("a\\tb\\\\c\t\\N\t\n\\n\\r\\b\\f\\v\t\\\\N\tü\n", 3, chunk: 5));
    }

    [Fact]
    public async Task Rows_longer_than_any_buffer_are_read_whole()
    {
        string large = new('x', 700_000);
        string[] lines = await ReadAsync($"1\t{large}\n2\ty\n", 2, chunk: 60_000);
        Assert.Equal(["new('1', 'xxxxxxxxxxxxxxxxxxxx'…700000)", "new('2', 'y')"], lines);
    }

    [Theory]
    [InlineData("a\n")]
    [InlineData("a\tb\tc\n")]
    [InlineData("a\tb")]
    [InlineData("a\tb\\\n")]
    public async Task Damage_is_refused(string text) => await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(text, 2, chunk: 3));

    private static async Task<string[]> ReadAsync(string text, int columns, int chunk)
    {
        var batch = new ChangeBatch();
        var shape = new RelationShape(1, "s", "t", ReplicaIdentity.Default, []);
        var reader = new CopyTextReader(new Dripping(Encoding.UTF8.GetBytes(text), chunk), columns);
        while (await reader.ReadRowAsync(batch, to => to.Add(ChangeKind.Snapshot, shape, 0, default, 0), TestContext.Current.CancellationToken))
        {
            // Until the end.
        }

        return [.. Streams.Lines(batch).Select(line => line[line.IndexOf("new", StringComparison.Ordinal)..])];
    }

    /// <summary>Gives at most a few bytes at a time.</summary>
    private sealed class Dripping(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, chunk)], cancellationToken);
    }
}
