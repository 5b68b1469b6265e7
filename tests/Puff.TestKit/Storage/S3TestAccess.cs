namespace Puff.TestKit.Storage;

/// <summary>
/// Where an S3 server for the tests is and the keys it takes, from environment variables. Without them the S3 tests fail: a skipped test would prove nothing.
/// To leave them out on purpose: -class- "*S3*".
/// </summary>
internal sealed record S3TestAccess(string Endpoint, string AccessKey, string SecretKey)
{
    /// <summary>The bucket of both servers.</summary>
    public const string Bucket = "puff-test";

    /// <summary>A server that behaves as AWS does; the bucket has to be made.</summary>
    public static S3TestAccess Good() => Read("PUFF_TEST_S3", "tests/tools/s3-server");

    /// <summary>A server that ignores the conditions of writes; it comes with the bucket.</summary>
    public static S3TestAccess Bad() => Read("PUFF_TEST_BADS3", "tests/tools/bad-s3-server");

    private static S3TestAccess Read(string variables, string tool) =>
        new(Variable($"{variables}_ENDPOINT", tool), Variable($"{variables}_KEY", tool), Variable($"{variables}_SECRET", tool));

    private static string Variable(string name, string tool) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{name} is not set: this test needs a server; run  eval \"$({tool} start)\"  first, or ./test, which does");
}
