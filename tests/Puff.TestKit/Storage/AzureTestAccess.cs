namespace Puff.TestKit.Storage;

/// <summary>Where the Azure Blob emulator for the tests is, and its key, from environment variables; without them the Azure tests fail.</summary>
internal sealed record AzureTestAccess(string Endpoint, string Key)
{
    public const string Account = "puff";

    /// <summary>The container has to be made.</summary>
    public const string Container = "puff-test";

    public static AzureTestAccess Read() => new(
        TestVariable.Read("PUFF_TEST_AZURE_ENDPOINT", "tests/tools/azure-server"), TestVariable.Read("PUFF_TEST_AZURE_KEY", "tests/tools/azure-server"));
}
