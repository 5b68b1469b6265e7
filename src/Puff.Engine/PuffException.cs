namespace Puff.Engine;

/// <summary>What a caller can do about an error. Few kinds, because a caller has few choices; facades map them to their own dialect in one table.</summary>
public enum ErrorKind
{
    /// <summary>The request is wrong for this namespace; repeating it unchanged will fail again.</summary>
    Invalid,
    /// <summary>The request's shape does not fit its type (wrong JSON type, unknown operator or variant).</summary>
    Malformed,
    /// <summary>No key, or a wrong one.</summary>
    Unauthenticated,
    /// <summary>The key lacks the right.</summary>
    Forbidden,
    /// <summary>The named thing does not exist, and the store has confirmed that.</summary>
    NotFound,
    /// <summary>The state of the namespace contradicts the request (for example: it exists already).</summary>
    Conflict,
    /// <summary>A limit on load was hit; the same request may succeed later.</summary>
    Limited,
    /// <summary>The store or a needed part cannot be reached, or the outcome is unknown; the same request may be repeated.</summary>
    Unavailable,
    /// <summary>A stored object is damaged. The message names the object's key.</summary>
    Corrupt,
    /// <summary>A defect of Puff.</summary>
    Internal,
}

/// <summary>The one exception of the front door. The message names the thing and the remedy and carries no payload beyond ids.</summary>
public class PuffException : Exception
{
    public PuffException(ErrorKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    public ErrorKind Kind { get; }

    public static PuffException Invalid(string message) => new(ErrorKind.Invalid, message);

    public static PuffException Malformed(string message) => new(ErrorKind.Malformed, message);

    public static PuffException NotFound(string message) => new(ErrorKind.NotFound, message);

    public static PuffException Conflict(string message) => new(ErrorKind.Conflict, message);

    public static PuffException Limited(string message) => new(ErrorKind.Limited, message);

    public static PuffException Corrupt(string message, Exception? inner = null) => new(ErrorKind.Corrupt, message, inner);

    public static PuffException Internal(string message) => new(ErrorKind.Internal, message);
}
