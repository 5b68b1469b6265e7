namespace Puff.Engine.Storage;

/// <summary>Collects one page from entries that come in bytewise order, and knows when it is full.</summary>
internal sealed class ListPageBuilder(ListOptions options)
{
    private readonly List<ObjectInfo> objects = [];
    private readonly List<string> prefixes = [];
    private string? last;
    private bool more;

    /// <summary>Whether an entry with this name belongs behind the start of the page.</summary>
    public bool IsAfterStart(string name) => options.StartAfter is null || ObjectKeys.Compare(name, options.StartAfter) > 0;

    /// <summary>False when the page was full already: the entry is left for the next page and the listing can stop.</summary>
    public bool Add(ObjectInfo info) => Take(info.Key, () => objects.Add(info));

    /// <inheritdoc cref="Add"/>
    public bool AddPrefix(string prefix) => Take(prefix, () => prefixes.Add(prefix));

    public ListPage Build() => new(objects, prefixes, more ? last : null);

    private bool Take(string name, Action add)
    {
        if (objects.Count + prefixes.Count == options.Limit)
        {
            more = true;
            return false;
        }

        add();
        last = name;
        return true;
    }
}
