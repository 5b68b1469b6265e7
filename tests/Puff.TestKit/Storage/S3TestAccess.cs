namespace Puff.TestKit.Storage;

/// <summary>
/// Where an S3 server for the tests is and the keys it takes, from environment variables.
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
        new(TestVariable.Read($"{variables}_ENDPOINT", tool), TestVariable.Read($"{variables}_KEY", tool), TestVariable.Read($"{variables}_SECRET", tool));
}
