using Puff.Engine.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>Every call of a store, for tests of stores where each must fail.</summary>
internal static class CloudCalls
{
    private const StorePurpose User = StorePurpose.User;

    public static async Task<List<StoreException>> ErrorsOfAllAsync(IObjectStore store, CancellationToken cancellation)
    {
        Func<Task>[] calls =
        [
            async () => await store.GetAsync("a", new GetOptions(), User, cancellation),
            async () => await store.GetAsync("a", new GetOptions(3, 5), User, cancellation),
            async () => await store.HeadAsync("a", User, cancellation),
            async () => await store.MapAsync("a", User, cancellation),
            async () => await store.PutAsync("a", default, PutCondition.None, User, cancellation),
            async () => await store.PutAsync("a", default, PutCondition.Absent, User, cancellation),
            async () => await store.PutAsync("a", default, PutCondition.Matches("\"x\""), User, cancellation),
            async () => await store.DeleteAsync("a", User, cancellation),
            async () => await store.ListAsync(new ListOptions(""), User, cancellation),
            async () => await store.CopyAsync("a", "b", User, cancellation),
        ];
        var errors = new List<StoreException>();
        foreach (var call in calls)
        {
            errors.Add(await Assert.ThrowsAsync<StoreException>(call));
        }

        return errors;
    }
}
