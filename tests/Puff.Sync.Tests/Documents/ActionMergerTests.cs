using Puff.Engine.Schema;
using Puff.Sync.Documents;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>Merging inside a batch equals applying one action after the other: lines 17, 18, 19 and 23.</summary>
public sealed class ActionMergerTests
{
    [Fact]
    public void Two_actions_on_one_id()
    {
        Assert.Equal("Delete 1u", Merged(Upsert(1, "a", 1), Delete(1)));
        Assert.Equal("Upsert 1u a=2", Merged(Delete(1), Upsert(1, "a", 2)));
        Assert.Equal("Upsert 1u a=2 b=1", Merged(Upsert(1, "a", 2), Patch(1, "b", 1)));
        Assert.Equal("Patch 1u a=3 b=1", Merged(Patch(1, "a", 2), Patch(1, "b", 1), Patch(1, "a", 3)));
        Assert.Equal("Delete 1u", Merged(Delete(1), Patch(1, "a", 3)));
        Assert.Equal("Delete 1u|Upsert 2u a=2", Merged(Upsert(1, "a", 1), Delete(1), Upsert(2, "a", 2)));
    }

    [Fact]
    public void Ids_are_equal_whatever_number_they_came_as()
    {
        var merger = new ActionMerger();
        merger.Add(new DocumentAction(DocumentOperation.Delete, Value.Int(5), [], Position));
        merger.Add(new DocumentAction(DocumentOperation.Delete, Value.UInt(5), [], Position));
        Assert.Equal((1, 2), (merger.Count, merger.Added));
        Assert.True(merger.Contains(Value.UInt(5)));
        Assert.Single(merger.Take());
        Assert.Equal((0, 0), (merger.Count, merger.Added));
    }

    [Fact]
    public void A_batch_has_the_effect_of_its_actions_in_order()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var merger = new ActionMerger();
            var before = new Dictionary<string, SortedDictionary<string, string>>();
            foreach (int id in Enumerable.Range(0, 3))
            {
                before[$"{id}u"] = new() { ["a"] = "0" };
            }

            var plain = Copy(before);
            for (int i = 0; i < 30; i++)
            {
                var action = Any(random, i);
                merger.Add(action);
                Apply(plain, action);
            }

            var merged = merger.Take();
            Assert.Equal(merged.Count, merged.Select(a => Show(a.Id)).Distinct().Count());
            var target = Copy(before);

            // A target applies upserts, then patches, then deletes.
            foreach (var action in merged.OrderBy(a => a.Operation))
            {
                Apply(target, action);
            }

            Assert.Equal(Describe(plain), Describe(target));
        }
    }

    private static DocumentAction Any(Random random, int value)
    {
        ulong id = (ulong)random.Next(6);
        string name = ((char)('a' + random.Next(4))).ToString();
        return random.Next(4) switch
        {
            0 => Upsert(id, name, value),
            1 => Delete(id),
            2 => new DocumentAction(DocumentOperation.Patch, Value.UInt(id), [new(name, Value.Null)], Position),
            _ => Patch(id, name, value),
        };
    }

    private static void Apply(Dictionary<string, SortedDictionary<string, string>> documents, DocumentAction action)
    {
        string id = Show(action.Id);
        if (action.Operation == DocumentOperation.Delete)
        {
            documents.Remove(id);
            return;
        }

        if (action.Operation == DocumentOperation.Upsert)
        {
            documents[id] = [];
        }

        if (documents.TryGetValue(id, out var document))
        {
            foreach (var (name, value) in action.Attributes)
            {
                document[name] = Show(value);
                if (value.IsNull)
                {
                    document.Remove(name);
                }
            }
        }
    }

    private static Dictionary<string, SortedDictionary<string, string>> Copy(Dictionary<string, SortedDictionary<string, string>> documents) =>
        documents.ToDictionary(d => d.Key, d => new SortedDictionary<string, string>(d.Value));

    private static string Describe(Dictionary<string, SortedDictionary<string, string>> documents) =>
        string.Join("|", documents.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key} {string.Join(",", d.Value)}"));

    private static string Merged(params DocumentAction[] actions)
    {
        var merger = new ActionMerger();
        Array.ForEach(actions, merger.Add);
        return string.Join("|", merger.Take().Select(Show));
    }

    private static DocumentAction Upsert(ulong id, string name, int value) =>
        new(DocumentOperation.Upsert, Value.UInt(id), [new(name, Value.Int(value))], Position);

    private static DocumentAction Patch(ulong id, string name, int value) =>
        new(DocumentOperation.Patch, Value.UInt(id), [new(name, Value.Int(value))], Position);

    private static DocumentAction Delete(ulong id) => new(DocumentOperation.Delete, Value.UInt(id), [], Position);
}
