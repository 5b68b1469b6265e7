using System.Text.Json;

namespace Puff.Transfer;

/// <summary>How far a transfer got, in a small file beside the user's: with it, --resume goes on where an interrupted run stopped.</summary>
/// <param name="Namespace">Where the rows go to or come from.</param>
/// <param name="Url">Server.</param>
/// <param name="Rows">Rows done; all before them are done too.</param>
/// <param name="Bytes">Import: the source's length, to notice another file. Export: bytes of the target that are complete.</param>
/// <param name="LastId">Export: the last id written, as JSON.</param>
internal sealed record TransferState(string Namespace, string Url, long Rows, long Bytes, string? LastId = null)
{
    public static string PathFor(string file, string verb) => $"{file}.puff-{verb}.json";

    public static TransferState? Load(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TransferState>(File.ReadAllBytes(path));
        }
        catch (JsonException)
        {
            throw new CommandException(ExitCode.Failed, $"{path} is damaged; delete it and start without --resume");
        }
    }

    public void Save(string path)
    {
        // Written aside and renamed, so that an interruption leaves the old state or the new one.
        string aside = path + ".new";
        File.WriteAllBytes(aside, JsonSerializer.SerializeToUtf8Bytes(this));
        File.Move(aside, path, overwrite: true);
    }
}
