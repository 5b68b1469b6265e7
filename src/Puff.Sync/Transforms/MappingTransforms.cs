using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>Fetches documents of these ids with these attributes from a mapping's namespace: what `[embed] cache = "destination"` asks.</summary>
internal delegate Task<IReadOnlyList<DocumentRow>> DocumentFetch(
    IReadOnlyList<Value> ids, IReadOnlyList<string> attributes, CancellationToken cancellation);

/// <summary>Loads the code of a project's mappings: TypeScript in one shared host, C# in this process, `[embed]` around either or alone.</summary>
/// <param name="http">For embeddings.</param>
/// <param name="log">Takes what code prints.</param>
/// <param name="stateCache">The cache `state`; null when there is none.</param>
internal sealed class MappingTransforms(
    TransformHostOptions options, HttpClient http, Action<TransformLog> log, TimeProvider time, IEmbeddingCache? stateCache = null) : IAsyncDisposable
{
    private readonly string cacheFolder = options.CacheFolder ?? TransformHost.DefaultCacheFolder();
    private readonly Dictionary<string, ISyncTransform> registered = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EmbeddingCounters> counters = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim opening = new(1);
    private TransformServices? services;
    private TransformHost? host;

    /// <summary>Processes started for transforms in TypeScript.</summary>
    public int Starts => host?.Starts ?? 0;

    /// <summary>What embedding cost each mapping that has `[embed]`.</summary>
    public IReadOnlyDictionary<string, EmbeddingCounters> Embedding => counters;

    private TransformServices Services => services ??= new TransformServices(cacheFolder, log);

    /// <summary>Code of this process for a mapping, in place of an assembly.</summary>
    public void Register(string mapping, ISyncTransform code) => registered[mapping] = code;

    /// <summary>
    /// The code of a mapping, ready to be called; null when it has none. Throws <see cref="TransformException"/> of the mapping (transform_load,
    /// runtime_missing), <see cref="SyncException"/> config_invalid for an `[embed]` that cannot work.
    /// </summary>
    /// <param name="content">The migration's files, as stored; null for registered code and for mappings without code.</param>
    /// <param name="namespaceName">With its prefix.</param>
    public async Task<ITransform?> LoadAsync(
        MappingDefinition mapping, MigrationContent? content, string namespaceName, DocumentPlan plan, DocumentFetch fetch, CancellationToken cancellation)
    {
        var embedder = mapping.Embed is { } embed ? Client(mapping, embed) : null;
        var code = await LoadCodeAsync(mapping, content, namespaceName, plan, cancellation);
        return embedder is null
            ? code
            : new EmbeddingTransform(mapping.Embed!, embedder, Cache(mapping.Embed!, fetch), counters[mapping.Name], code, new IdentityDocuments(plan).Make);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.DisposeAsync();
        }

        opening.Dispose();
    }

    private async Task<ITransform?> LoadCodeAsync(
        MappingDefinition mapping, MigrationContent? content, string namespaceName, DocumentPlan plan, CancellationToken cancellation)
    {
        if (registered.TryGetValue(mapping.Name, out var own))
        {
            var place = new TransformModule("", "registered", content?.Directory ?? "", namespaceName);
            return await AssemblyTransform.RegisterAsync(own, mapping, place, options, Services, time, cancellation);
        }

        if (mapping.Transform.Kind == TransformKind.None || content is null)
        {
            return null;
        }

        string path = ModuleFiles.Place(content, mapping.Transform.Entry, Directory.Exists(options.ProjectFolder) ? options.ProjectFolder : null, cacheFolder);
        var module = new TransformModule(path, content.Hash, content.Directory, namespaceName);
        if (mapping.Transform.Kind == TransformKind.CSharp)
        {
            return await AssemblyTransform.LoadAsync(mapping, module, options, Services, time, cancellation);
        }

        var opened = await OpenAsync(path, cancellation);
        return await opened.LoadAsync(mapping, module, new PlanTransformRows(plan.Table, mapping), cancellation);
    }

    /// <summary>Only a project with TypeScript needs a runtime.</summary>
    private async Task<TransformHost> OpenAsync(string entry, CancellationToken cancellation)
    {
        await opening.WaitAsync(cancellation);
        try
        {
            return host ??= await TransformHost.OpenAsync(options, [entry], Services, time, cancellation);
        }
        finally
        {
            opening.Release();
        }
    }

    private EmbeddingClient Client(MappingDefinition mapping, EmbedDefinition embed)
    {
        string url = embed.BaseUrl ?? EmbeddingEndpoint.DefaultUrl(embed.Provider) ?? throw new SyncException(
            SyncExit.Usage, "config_invalid", $"mapping {mapping.Name}: the address of the provider {embed.Provider} is not known.", "set [embed] base_url");
        bool isDeclared = mapping.Target.Schema?.Any(attribute => attribute.Name == embed.Attribute) == true;
        if (embed.Dimensions is null && !isDeclared)
        {
            throw new SyncException(
                SyncExit.Usage, "config_invalid", $"mapping {mapping.Name}: how many dimensions {embed.Attribute} has is not known.",
                $"set [embed] dimensions, or {embed.Attribute} = \"[n]f32\" in [target.schema]");
        }

        if (mapping.Target.Metric is null)
        {
            throw new SyncException(
                SyncExit.Usage, "vector_metric_missing", $"mapping {mapping.Name}: [embed] makes vectors.", "set [target] distance_metric");
        }

        options.Environment.TryGetValue($"{embed.Provider.ToUpperInvariant()}_API_KEY", out string? key);
        var used = counters[mapping.Name] = new EmbeddingCounters();
        var client = new EmbeddingClient(
            new EmbeddingEndpoint(http, url, key), embed, used, time, (level, text) => log(new TransformLog(level, mapping.Name, text)));
        Services.AddEmbedder(mapping.Name, client);
        return client;
    }

    private IEmbeddingCache Cache(EmbedDefinition embed, DocumentFetch fetch) => embed.Cache switch
    {
        "destination" => new DestinationEmbeddingCache(embed.Attribute, fetch),
        "directory" => new DirectoryEmbeddingCache(Path.Combine(cacheFolder, "embeddings")),
        "off" => new NoEmbeddingCache(),
        "state" when stateCache is not null => stateCache,
        _ => throw new SyncException(
            SyncExit.Usage, "config_invalid", $"[embed] cache = \"{embed.Cache}\" is not available here.", "use destination, directory or off"),
    };
}
