namespace Puff.Server.Http;

/// <summary>A request HTTP itself refuses, before the engine could have an opinion: too large, in an unknown encoding, cut off.</summary>
internal sealed class RefusedRequestException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;
}
