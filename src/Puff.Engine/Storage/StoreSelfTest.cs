namespace Puff.Engine.Storage;

/// <summary>
/// Tries, under a key prefix of its own, what Puff's durable protocol rests on. A store that ignores a condition would lose acknowledged writes silently, so it
/// must be found out before the first write. Takes about forty small requests, cleans up behind itself.
/// </summary>
public static class StoreSelfTest
{
    private const int Contenders = 12;

    private const string Remedy =
        "use a store with strongly consistent conditional writes (If-None-Match: * and If-Match), or update it; see docs/operating/object-stores.md";

    /// <param name="store">The store to try.</param>
    /// <param name="root">Key prefix without a trailing slash; empty for none. Test keys lie under {root}/self-test/.</param>
    /// <param name="random">Makes the prefix unique.</param>
    public static async Task<StoreSelfTestReport> RunAsync(IObjectStore store, string root, Random random, CancellationToken cancellation = default)
    {
        string prefix = $"{root}{(root.Length == 0 ? "" : "/")}self-test/{random.NextInt64():x16}/";
        var trial = new Trial(store, prefix, cancellation);
        (string Name, Func<Task> Check)[] checks =
        [
            ("write and read", trial.WriteAndReadAsync),
            ("If-None-Match", trial.IfNoneMatchAsync),
            ("If-Match", trial.IfMatchAsync),
            ("range read", trial.RangeReadAsync),
            ("list after write", trial.ListAfterWriteAsync),
            ("If-None-Match race", trial.IfNoneMatchRaceAsync),
            ("If-Match race", trial.IfMatchRaceAsync),
            ("delete", trial.DeleteAsync),
        ];
        var results = new List<StoreCheck>();
        try
        {
            foreach (var (name, check) in checks)
            {
                results.Add(results.All(earlier => earlier.Verdict == StoreVerdict.Passed)
                    ? await TryAsync(name, check)
                    : new StoreCheck(name, StoreVerdict.NotRun, "an earlier check did not pass"));
            }
        }
        finally
        {
            await trial.CleanUpAsync();
        }

        return new StoreSelfTestReport(store.Description, results);
    }

    private static async Task<StoreCheck> TryAsync(string name, Func<Task> check)
    {
        try
        {
            await check();
            return new StoreCheck(name, StoreVerdict.Passed, "");
        }
        catch (BrokenPromiseException broken)
        {
            return new StoreCheck(name, StoreVerdict.Failed, $"{broken.Message}; {Remedy}");
        }
        catch (StoreException error)
        {
            return new StoreCheck(name, error.Transient ? StoreVerdict.Unreachable : StoreVerdict.Refused, error.Message);
        }
    }

    private sealed class BrokenPromiseException(string message) : Exception(message);

    private sealed class Trial(IObjectStore store, string prefix, CancellationToken cancellation)
    {
        private const StorePurpose Purpose = StorePurpose.User;

        public async Task WriteAndReadAsync()
        {
            string etag = await WriteAsync("object", "first");
            await ExpectContentAsync("object", "first", etag, "a read after a write returned something else");
            string changed = await WriteAsync("object", "again");
            await ExpectContentAsync("object", "again", changed, "a read after an overwrite returned something else");
            Expect(etag != changed, "the ETag did not change with the content");
            var head = await store.HeadAsync(prefix + "object", Purpose, cancellation);
            Expect(head is { Bytes: 5 } && head.ETag == changed, $"HEAD disagrees with what was written ({head})");
            var same = await store.GetAsync(prefix + "object", new GetOptions(IfNoneMatch: changed), Purpose, cancellation);
            same.Content?.Release();
            Expect(same.Status == GetStatus.NotModified, "a GET with the ETag the object has did not report it as unchanged");
        }

        public async Task IfNoneMatchAsync()
        {
            var first = await PutAsync("absent", "first", PutCondition.Absent);
            Expect(first.Status == PutStatus.Written, "a put with If-None-Match: * on an absent object was refused");
            var second = await PutAsync("absent", "second", PutCondition.Absent);
            Expect(second.Status == PutStatus.PreconditionFailed, "a put with If-None-Match: * overwrote an object that existed");
            await ExpectContentAsync("absent", "first", first.ETag, "a refused put changed the object");
        }

        public async Task IfMatchAsync()
        {
            string first = await WriteAsync("match", "first");
            var second = await PutAsync("match", "second", PutCondition.Matches(first));
            Expect(second.Status == PutStatus.Written, "a put with the right If-Match was refused");
            var stale = await PutAsync("match", "third", PutCondition.Matches(first));
            Expect(stale.Status == PutStatus.PreconditionFailed, "a put with a stale If-Match overwrote the object");
            await ExpectContentAsync("match", "second", second.ETag, "a refused put changed the object");
            var absent = await PutAsync("match-absent", "first", PutCondition.Matches(first));
            Expect(absent.Status == PutStatus.PreconditionFailed, "a put with If-Match created an object that did not exist");
        }

        public async Task RangeReadAsync()
        {
            await WriteAsync("range", "0123456789");
            foreach (var (offset, length, expected) in new (long, long?, string)[] { (2, 3, "234"), (8, 5, "89"), (7, null, "789"), (10, 1, ""), (99, 1, "") })
            {
                var got = await store.GetAsync(prefix + "range", new GetOptions(offset, length), Purpose, cancellation);
                string text = Take(got.Content);
                Expect(text == expected && got.TotalBytes == 10, $"bytes {offset}+{length} of '0123456789' came as '{text}' of {got.TotalBytes}");
            }
        }

        public async Task ListAfterWriteAsync()
        {
            foreach (string key in new[] { "list/b", "list/a", "list/c/d" })
            {
                await WriteAsync(key, key);
            }

            var page = await store.ListAsync(new ListOptions(prefix + "list/"), Purpose, cancellation);
            ExpectNames(page.Objects.Select(info => info.Key), "a listing right after writes", "list/a", "list/b", "list/c/d");
            page = await store.ListAsync(new ListOptions(prefix + "list/", StartAfter: prefix + "list/a", Delimiter: '/', Limit: 1), Purpose, cancellation);
            ExpectNames(page.Objects.Select(info => info.Key), "a page of a listing", "list/b");
            Expect(page.Next == prefix + "list/b", "a cut listing did not say how to go on");
            page = await store.ListAsync(new ListOptions(prefix + "list/", StartAfter: page.Next, Delimiter: '/'), Purpose, cancellation);
            ExpectNames(page.Prefixes, "a folded listing", "list/c/");
        }

        public async Task IfNoneMatchRaceAsync()
        {
            for (int round = 0; round < 2; round++)
            {
                await RaceAsync($"race/{round}", PutCondition.Absent);
            }
        }

        public async Task IfMatchRaceAsync()
        {
            string etag = await WriteAsync("race/match", "start");
            await RaceAsync("race/match", PutCondition.Matches(etag));
        }

        public async Task DeleteAsync()
        {
            await WriteAsync("delete", "x");
            await store.DeleteAsync(prefix + "delete", Purpose, cancellation);
            await store.DeleteAsync(prefix + "delete", Purpose, cancellation);
            var got = await store.GetAsync(prefix + "delete", new GetOptions(), Purpose, cancellation);
            got.Content?.Release();
            Expect(got.Status == GetStatus.Absent, "an object was still there after its deletion");
            var page = await store.ListAsync(new ListOptions(prefix + "delete"), Purpose, cancellation);
            Expect(page.Objects.Count == 0, "an object was still listed after its deletion");
        }

        /// <summary>Best effort, also when the checks were cancelled: what is left over is small and named so that one can see what it is.</summary>
        public async Task CleanUpAsync()
        {
            try
            {
                var page = await store.ListAsync(new ListOptions(prefix), StorePurpose.Collect, CancellationToken.None);
                foreach (var info in page.Objects)
                {
                    await store.DeleteAsync(info.Key, StorePurpose.Collect, CancellationToken.None);
                }
            }
            catch (StoreException)
            {
                // The store's trouble is in the report already, or will show with the first real request.
            }
        }

        /// <summary>
        /// Of racing puts with one condition exactly one may win, and the object is the winner's. A contender may be told that its outcome is unknown.
        /// </summary>
        private async Task RaceAsync(string key, PutCondition condition)
        {
            var all = await Task.WhenAll(Enumerable.Range(0, Contenders).Select(i => ContendAsync(key, i, condition)));
            int winners = all.Count(outcome => outcome == true);
            Expect(winners <= 1, $"{winners} of {Contenders} racing puts with the same condition were all told that they had won");
            Expect(winners == 1 || all.Contains(null), $"none of {Contenders} racing puts with a condition that held was written");
            string content = Take((await store.GetAsync(prefix + key, new GetOptions(), Purpose, cancellation)).Content);
            bool isRight = winners == 1 ? content == $"contender {Array.IndexOf(all, true)}" : IsOfUnknown(content, all);
            Expect(isRight, $"after a race the object holds '{content}', which is not the winner's content");
        }

        private static bool IsOfUnknown(string content, bool?[] all) =>
            Enumerable.Range(0, all.Length).Any(i => all[i] is null && content == $"contender {i}") || content == "start" || content.Length == 0;

        /// <summary>True: won; false: lost; null: the store did not say.</summary>
        private async Task<bool?> ContendAsync(string key, int contender, PutCondition condition)
        {
            try
            {
                return (await PutAsync(key, $"contender {contender}", condition)).Status == PutStatus.Written;
            }
            catch (StoreException error) when (error.Transient)
            {
                return null;
            }
        }

        private async Task<string> WriteAsync(string key, string content)
        {
            var put = await PutAsync(key, content, PutCondition.None);
            Expect(put.Status == PutStatus.Written && put.ETag is not null, "an unconditional put was not written");
            return put.ETag!;
        }

        private ValueTask<PutResult> PutAsync(string key, string content, PutCondition condition) =>
            store.PutAsync(prefix + key, System.Text.Encoding.UTF8.GetBytes(content), condition, Purpose, cancellation);

        private async Task ExpectContentAsync(string key, string content, string? etag, string complaint)
        {
            var got = await store.GetAsync(prefix + key, new GetOptions(), Purpose, cancellation);
            string text = Take(got.Content);
            Expect(text == content, $"{complaint}: '{text}' instead of '{content}'");
            Expect(got.ETag == etag, $"a GET has the ETag {got.ETag}, the put reported {etag}");
        }

        private void ExpectNames(IEnumerable<string> names, string what, params string[] expected)
        {
            string seen = string.Join(' ', names.Select(name => name[Math.Min(prefix.Length, name.Length)..]));
            Expect(seen == string.Join(' ', expected), $"{what} has '{seen}', not '{string.Join(' ', expected)}'");
        }

        private static string Take(ObjectMemory? memory)
        {
            string text = memory is null ? "" : System.Text.Encoding.UTF8.GetString(memory.Span);
            memory?.Release();
            return text;
        }

        private static void Expect(bool holds, string complaint)
        {
            if (!holds)
            {
                throw new BrokenPromiseException(complaint);
            }
        }
    }
}
