using System.Buffers.Binary;
using System.Diagnostics;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>Fuzz of the frame protocol on both sides: damaged bytes are refused, never read beyond, and leave nothing hanging.</summary>
public sealed class HostFrameTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Frames_come_back_as_they_were_written_whatever_the_pieces()
    {
        using var stream = new MemoryStream();
        foreach (int length in new[] { 1, 100, 70_000, 3_000_000 })
        {
            using var frame = new HostFrameBuilder();
            frame.Json.WriteStartObject();
            frame.Json.WriteString("t", "log");
            frame.Json.WriteString("text", new string('x', length));
            frame.Json.WriteEndObject();
            stream.Write(frame.Finish().Span);
        }

        stream.Position = 0;
        using var pieces = new PieceStream(stream, new Random(1));
        foreach (int length in new[] { 1, 100, 70_000, 3_000_000 })
        {
            using var frame = (await HostFrame.ReadAsync(pieces, Cancellation))!;
            Assert.Equal("log", frame.ReadKind());
            Assert.Equal(length + """{"t":"log","text":""}""".Length, frame.Json.Length);
        }

        Assert.Null(await HostFrame.ReadAsync(pieces, Cancellation));
    }

    [Fact]
    public async Task Every_truncation_is_refused()
    {
        byte[] whole = Frame("""{"t":"result","n":1,"actions":[[["s",null]]]}"""u8);
        for (int length = 1; length < whole.Length; length++)
        {
            await Assert.ThrowsAsync<HostProtocolException>(async () => await HostFrame.ReadAsync(new MemoryStream(whole, 0, length), Cancellation));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(HostFrame.MaxLength + 1u)]
    [InlineData(uint.MaxValue)]
    public async Task Impossible_lengths_are_refused(uint length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, length);
        await Assert.ThrowsAsync<HostProtocolException>(async () => await HostFrame.ReadAsync(new MemoryStream(bytes), Cancellation));
    }

    [Fact]
    public async Task A_long_length_of_a_short_stream_takes_little_memory()
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, HostFrame.MaxLength);
        long before = GC.GetAllocatedBytesForCurrentThread();
        await Assert.ThrowsAsync<HostProtocolException>(async () => await HostFrame.ReadAsync(new MemoryStream(bytes), Cancellation));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Results_with_flipped_bits_are_read_or_refused()
    {
        byte[] whole =
        [
            .. """{"t":"result","n":1,"ms":0.5,"rss":1,"actions":[[["u",null,{"a":"x\u0041","b":1,"c":{"b":"12"},"d":["a",null],"e":{"v":"AACAPw=="},"""u8,
            .. """ "f":[1,2.5],"g":{"s":{"k":0.5}},"h":[[1,2],[3,4]],"i":{"x":"AQ=="}}]],[["p",["7"],{}],["d",3],["s","why"]],[["f","m",1,"c"]],"""u8,
            .. """[["g","7",[[1,{"a":true}]]]]]}"""u8,
        ];
        var reader = new ResultReader(IdType.UInt, ArrayNullPolicy.Drop);
        Assert.Equal(4, reader.Read(whole, 4).Count);
        int refused = 0;
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            refused += TryRead(reader, damaged) ? 0 : 1;
        }

        // The last brace comes after all that is read.
        for (int length = 0; length < whole.Length - 1; length++)
        {
            Assert.False(TryRead(reader, whole[..length]), $"cut at {length}");
        }

        Assert.InRange(refused, 1000, whole.Length * 8);
    }

    [Fact]
    public void Random_JSON_in_place_of_results_is_read_or_refused()
    {
        string[] pieces =
        [
            "[", "]", "{", "}", "\"u\"", "\"g\"", "\"f\"", ",", ":", "1", "null",
            "\"v\":\"AA==\"", "\"actions\":", "true", "-1e400", "\"\\ud800\"",
        ];
        var random = new Random(7);
        var reader = new ResultReader(IdType.Uuid, ArrayNullPolicy.KeepAsString);
        for (int round = 0; round < 20_000; round++)
        {
            string text = """{"actions":[[[""" + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]));
            TryRead(reader, System.Text.Encoding.UTF8.GetBytes(text));
        }
    }

    [Fact]
    public async Task The_host_ends_at_bytes_that_are_no_frames()
    {
        byte[] hello = Frame("""{"t":"hello","version":1}"""u8);
        byte[] call = Frame("""{"t":"call","n":1,"module":"x","shapes":[],"changes":[]}"""u8);
        byte[][] cases =
        [
            [1, 2, 3, 4, 5, 6, 7, 8], new byte[8], [0xFF, 0xFF, 0xFF, 0xFF], [.. hello, .. Frame("[]"u8)], [.. hello, .. Frame("{"u8)],
            [.. hello, .. Frame("""{"t":"constructor"}"""u8)], Frame("""{"t":"hello","version":2}"""u8),
            [.. hello, .. call[..^3]], [.. hello, .. call], hello[..2],
        ];
        await using var project = new TransformProject();
        await project.LoadAsync("export default () => [];");
        string script = Assert.Single(Directory.GetFiles(Path.Combine(project.Folder, "cache"), "host-*.mjs"));
        foreach (byte[] bytes in cases)
        {
            using var process = Process.Start(
                new ProcessStartInfo(project.Host.Runtime.Path, script)
                {
                    RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
                })!;
            var output = process.StandardOutput.BaseStream;
            try
            {
                await process.StandardInput.BaseStream.WriteAsync(bytes, Cancellation);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it had read all.
            }

            while (await HostFrame.ReadAsync(output, Cancellation) is { } answer)
            {
                using (answer)
                {
                    Assert.Contains(answer.ReadKind(), new[] { "ready", "error" });
                }
            }

            await process.WaitForExitAsync(Cancellation);
            Assert.Contains(process.ExitCode, new[] { 0, 70 });
        }
    }

    private static byte[] Frame(ReadOnlySpan<byte> json)
    {
        byte[] frame = new byte[4 + json.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, json.Length);
        json.CopyTo(frame.AsSpan(4));
        return frame;
    }

    private static bool TryRead(ResultReader reader, byte[] json)
    {
        try
        {
            reader.Read(json, 4);
            return true;
        }
        catch (HostProtocolException)
        {
            return false;
        }
    }

    /// <summary>Gives bytes in pieces of random length.</summary>
    private sealed class PieceStream(Stream inner, Random random) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, random.Next(1, 100_000)));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 100_000))], cancellationToken);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
