namespace Puff.Sync.Migrations;

/// <param name="Specifier">"./embed.ts".</param>
internal sealed record ModuleImport(string Specifier, int Line);

/// <summary>
/// The local modules that a TypeScript or JavaScript module imports, found by its words alone: `from "x"`, `import "x"`, `import("x")` and `require("x")`
/// outside comments, texts and regular expressions. Packages are not local and not reported.
/// </summary>
internal static class ModuleImports
{
    private static readonly string[] Endings = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx", ".json"];

    public static bool IsModule(string path) => Endings.Any(ending => path.EndsWith(ending, StringComparison.Ordinal))
        && !path.EndsWith(".json", StringComparison.Ordinal);

    /// <exception cref="SyncException">dynamic_import: a path that is computed.</exception>
    public static IReadOnlyList<ModuleImport> Find(string code, string path)
    {
        var found = new List<ModuleImport>();
        ModuleToken[] tokens = [.. new ModuleLexer(code).Read()];
        for (int at = 0; at + 1 < tokens.Length; at++)
        {
            ModuleToken next = tokens[at + 1];
            bool isMember = at > 0 && tokens[at - 1].Text == ".";
            if (tokens[at].Kind != ModuleTokenKind.Word || isMember)
            {
                continue;
            }

            if (tokens[at].Text is "from" or "import" && next.Kind == ModuleTokenKind.Text)
            {
                found.Add(new ModuleImport(next.Text, next.Line));
            }
            else if (tokens[at].Text is "import" or "require" && next.Text == "(" && next.Kind == ModuleTokenKind.Mark && at + 2 < tokens.Length)
            {
                bool isWhole = at + 3 >= tokens.Length || tokens[at + 3] is { Kind: ModuleTokenKind.Mark, Text: ")" or "," };
                found.Add(tokens[at + 2].Kind == ModuleTokenKind.Text && isWhole
                    ? new ModuleImport(tokens[at + 2].Text, next.Line)
                    : throw new SyncException(
                        SyncExit.Usage, "dynamic_import", $"{path}:{next.Line} imports a computed path; it cannot be made immutable.",
                        "write the path as a text"));
            }
        }

        return [.. found.Where(import => import.Specifier.StartsWith('.') || import.Specifier.StartsWith('/')
            || import.Specifier.StartsWith("file:", StringComparison.Ordinal))];
    }

    /// <summary>The file an import names, relative to the project.</summary>
    /// <exception cref="SyncException">It lies outside the project, or does not exist.</exception>
    public static string Resolve(string importer, ModuleImport import, Func<string, bool> exists)
    {
        string folder = importer[..(importer.LastIndexOf('/') + 1)];
        string target = (import.Specifier.StartsWith('.') ? Normalise(folder + import.Specifier) : null) ?? throw Wrong(
            importer, import, $"imports {import.Specifier} from outside the project; it cannot be made immutable", "copy it into lib/");
        string stem = target[..(target.LastIndexOf('.') is var dot && dot > target.LastIndexOf('/') ? dot : target.Length)];
        // "./a.js" may mean a.ts: that is how compilers want it written.
        string[] twins = target.EndsWith(".js", StringComparison.Ordinal) ? [stem + ".ts", stem + ".tsx"]
            : target.EndsWith(".mjs", StringComparison.Ordinal) ? [stem + ".mts"] : [];
        string[] candidates = [target, .. Endings.Select(ending => target + ending), .. twins, .. Endings.Select(ending => $"{target}/index{ending}")];
        return candidates.FirstOrDefault(exists) ?? (target.StartsWith("generated/", StringComparison.Ordinal)
            ? target
            : throw Wrong(importer, import, $"imports {import.Specifier}, which does not exist", null));
    }

    /// <summary>A path with '/' and without "." and ".."; null when it leaves the project.</summary>
    public static string? Normalise(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part == "..")
            {
                if (parts.Count == 0)
                {
                    return null;
                }

                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "."))
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }

    private static SyncException Wrong(string importer, ModuleImport import, string what, string? remedy) =>
        new(SyncExit.Usage, "config_invalid", $"{importer}:{import.Line}: {what}", remedy);
}
