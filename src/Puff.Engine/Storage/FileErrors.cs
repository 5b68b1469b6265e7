namespace Puff.Engine.Storage;

/// <summary>Turns the system's error numbers into store errors that name the path and what to do.</summary>
internal static class FileErrors
{
    /// <param name="error">The system's error number, positive.</param>
    /// <param name="doing">What was attempted, as in "writing".</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="outcomeUnknown">Whether a write may have happened, or may not survive a loss of power.</param>
    public static StoreException Create(int error, string doing, string path, bool outcomeUnknown = false)
    {
        var (remedy, transient) = Remedy(error);
        return new StoreException($"{doing} {path} failed: {Posix.Describe(error)}; {remedy}", transient, outcomeUnknown);
    }

    private static (string Remedy, bool Transient) Remedy(int error) => error switch
    {
        Posix.ENoSpc => ("the disk is full: free space on it or move the store to a larger one", true),
        Posix.EFBig => ("files may not grow so large: raise the limit (ulimit -f) or take another file system", true),
        Posix.EDQuot => ("the disk quota is used up: free space or raise the quota", true),
        Posix.EAcces or Posix.EPerm => ("give the user that runs Puff read and write rights on the store's folder and everything in it", false),
        Posix.ENotDir or Posix.EExist => ("a file lies where a folder is needed: choose another folder or move the file away", false),
        Posix.ERoFs => ("the file system is read-only: remount it writable or choose another folder", false),
        Posix.EIo => ("the disk reports an error: look at the system log and check the disk", false),
        Posix.EMFile or Posix.ENFile => ("too many open files: raise the limit (ulimit -n)", true),
        Posix.ENoMem => ("the system is out of memory or of memory maps: free memory or raise vm.max_map_count", true),
        Posix.ENameTooLong => ("the path is longer than the file system allows: move the store to a folder with a shorter path", false),
        Posix.ENoEnt => ("the store's folder was moved or removed: put it back or restart Puff", false),
        Posix.EAgain or Posix.EIntr => ("try again", true),
        _ => ($"error number {error}: look at the system log", false),
    };
}
