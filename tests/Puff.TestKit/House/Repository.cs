namespace Puff.TestKit.House;

/// <summary>The working tree the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Absolute path of the folder with Puff.slnx.</summary>
    public static string Root { get; } = Find();

    public static string Resolve(string relativePath) => Path.Combine(Root, relativePath.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>All files below a folder whose name ends so, build outputs left out.</summary>
    public static IEnumerable<string> Files(string folder, string ending)
    {
        string top = Resolve(folder);
        return Directory.Exists(top)
            ? Directory.EnumerateFiles(top, "*" + ending, SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
                .Where(path => !path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal))
                .Where(path => !path.Contains("/node_modules/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
            : [];
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Puff.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no Puff.slnx above {AppContext.BaseDirectory}: run the tests from a build inside the repository");
    }
}
