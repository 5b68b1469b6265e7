using System.Globalization;

namespace Puff.Sync.Migrations;

/// <summary>One numbered, immutable step of a pipeline's history.</summary>
/// <param name="Number">Decides the order.</param>
/// <param name="Directory">"0001_posts": the number as written, and the name.</param>
/// <param name="Mapping">The mapping that is created, replaced or ended.</param>
/// <param name="Definition">Null for <see cref="MigrationAction.End"/>.</param>
/// <param name="DropNamespace">Of an end: whether the documents go too.</param>
/// <param name="Content">The files, as they are hashed.</param>
internal sealed record Migration(
    long Number, string Directory, MigrationAction Action, string Mapping, MappingDefinition? Definition, bool DropNamespace, MigrationContent Content)
{
    /// <summary>The directory's name without its number.</summary>
    public string Name => Directory[(Directory.IndexOf('_', StringComparison.Ordinal) + 1)..];

    /// <summary>The number as the directory writes it.</summary>
    public string NumberText => Directory[..Directory.IndexOf('_', StringComparison.Ordinal)];

    /// <summary>The path of its settings, relative to the project.</summary>
    public string SettingsPath => $"{MigrationContent.Folder}/{Directory}/{MigrationContent.SettingsFile}";

    /// <summary>Reads "0001_posts": four digits or a time in milliseconds of 13, and a name of a-z, 0-9 and _.</summary>
    public static bool TryParseDirectory(string directory, out long number)
    {
        int split = directory.IndexOf('_', StringComparison.Ordinal);
        number = 0;
        return split is 4 or 13 && long.TryParse(directory.AsSpan(0, split), NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && IsName(directory[(split + 1)..]);
    }

    public static bool IsName(string name) => name.Length is >= 1 and <= 63
        && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '_');
}
