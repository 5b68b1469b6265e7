using System.IO.Enumeration;

namespace Puff.Engine.Storage;

/// <summary>
/// One page of a directory store. Every folder is read whole and sorted with a '/' behind the names of folders, which makes a walk in that order
/// a walk in bytewise key order. Folders that cannot hold a wanted key are not entered.
/// </summary>
internal sealed class DirectoryListing
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly string root;
    private readonly ListOptions options;
    private readonly CancellationToken cancellation;
    private readonly ListPageBuilder page;

    private DirectoryListing(string root, ListOptions options, CancellationToken cancellation)
    {
        this.root = root;
        this.options = options;
        this.cancellation = cancellation;
        page = new ListPageBuilder(options);
    }

    public static ListPage Run(string root, ListOptions options, CancellationToken cancellation)
    {
        var listing = new DirectoryListing(root, options, cancellation);
        string prefix = options.Prefix[..(options.Prefix.LastIndexOf('/') + 1)];
        string[] parts = prefix.Split('/')[..^1];
        if (!parts.Contains(""))
        {
            listing.Walk(string.Join('/', [root, .. parts.Select(FileNames.ToFolder)]), prefix);
        }

        return listing.page.Build();
    }

    /// <summary>False when the page is full.</summary>
    private bool Walk(string folder, string prefix)
    {
        foreach (var entry in ReadSorted(folder))
        {
            cancellation.ThrowIfCancellationRequested();
            string name = prefix + entry.Name;
            if (name.StartsWith(options.Prefix, StringComparison.Ordinal)
                && !(entry.IsFolder ? AddFolder($"{folder}/{entry.FileName}", name) : AddFile($"{folder}/{entry.FileName}", name)))
            {
                return false;
            }
        }

        return true;
    }

    private bool AddFile(string path, string key)
    {
        if (!page.IsAfterStart(key))
        {
            return true;
        }

        int result = Posix.Stat(path, out var facts);
        if (result is < 0 and not -Posix.ENoEnt)
        {
            throw FileErrors.Create(-result, "examining", path);
        }

        return result < 0 || page.Add(new ObjectInfo(key, facts.Bytes, FileETag.Of(facts), FileETag.ModifiedAt(facts)));
    }

    private bool AddFolder(string path, string name)
    {
        if (options.Delimiter is not null)
        {
            return !page.IsAfterStart(name) || !HoldsObject(path) || page.AddPrefix(name);
        }

        bool mayHoldLaterKeys = page.IsAfterStart(name) || options.StartAfter!.StartsWith(name, StringComparison.Ordinal);
        return !mayHoldLaterKeys || Walk(path, name);
    }

    /// <summary>An empty folder is no prefix: it is left over, or its first object is still on the way.</summary>
    private bool HoldsObject(string folder)
    {
        var entries = Read(folder);
        return entries.Exists(entry => !entry.IsFolder) || entries.Exists(entry => HoldsObject($"{folder}/{entry.FileName}"));
    }

    private List<Entry> ReadSorted(string folder)
    {
        var entries = Read(folder);
        entries.Sort((left, right) => ObjectKeys.Compare(left.Name, right.Name));
        return entries;
    }

    private List<Entry> Read(string folder)
    {
        try
        {
            var files = new FileSystemEnumerable<(string Name, bool IsFolder)>(
                folder, (ref FileSystemEntry entry) => (entry.FileName.ToString(), entry.IsDirectory), Everything);
            var entries = new List<Entry>();
            foreach (var (name, isFolder) in files)
            {
                if (FileNames.ToPart(name, isFolder) is { } part)
                {
                    entries.Add(new Entry(isFolder ? part + "/" : part, name, isFolder));
                }
            }

            return entries;
        }
        catch (DirectoryNotFoundException) when (Directory.Exists(root))
        {
            return [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(
                $"listing {folder} failed: {error.Message}; see that the folder exists and the user that runs Puff may read it",
                transient: false,
                outcomeUnknown: false,
                error);
        }
    }

    /// <param name="Name">The key part, with a '/' when it is a folder.</param>
    /// <param name="FileName">As it is on disk.</param>
    private readonly record struct Entry(string Name, string FileName, bool IsFolder);
}
