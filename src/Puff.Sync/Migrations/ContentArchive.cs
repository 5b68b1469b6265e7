using System.Formats.Tar;
using System.IO.Compression;

namespace Puff.Sync.Migrations;

/// <summary>A migration's files as the state schema keeps them: a tar in gzip, the same bytes for the same content.</summary>
internal static class ContentArchive
{
    public static byte[] Pack(MigrationContent content)
    {
        using var result = new MemoryStream();
        using (var gzip = new GZipStream(result, CompressionLevel.SmallestSize, leaveOpen: true))
        using (var tar = new TarWriter(gzip, TarEntryFormat.Pax))
        {
            foreach (ContentFile file in content.Files)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file.Path)
                {
                    ModificationTime = DateTimeOffset.UnixEpoch, DataStream = new MemoryStream(file.Bytes),
                });
            }
        }

        return result.ToArray();
    }

    /// <param name="directory">"0001_posts".</param>
    /// <exception cref="SyncException">The bytes are no such archive, or not of this hash.</exception>
    public static MigrationContent Unpack(string directory, byte[] archive, string? expectedHash)
    {
        MigrationContent content;
        try
        {
            using var gzip = new GZipStream(new MemoryStream(archive), CompressionMode.Decompress);
            using var tar = new TarReader(gzip);
            var files = new List<ContentFile>();
            while (tar.GetNextEntry(copyData: true) is { } entry)
            {
                using var bytes = new MemoryStream();
                entry.DataStream?.CopyTo(bytes);
                files.Add(new ContentFile(entry.Name, bytes.ToArray()));
            }

            content = MigrationContent.Of(directory, files);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or FormatException or ArgumentException or NotSupportedException)
        {
            throw new SyncException(SyncExit.Failed, "stored_content_damaged", $"The stored files of {directory} cannot be read: {error.Message}",
                inner: error);
        }

        if (expectedHash != null && content.Hash != expectedHash)
        {
            throw new SyncException(SyncExit.Failed, "stored_content_damaged", $"The stored files of {directory} do not have the hash they were applied with.");
        }

        return content;
    }
}
