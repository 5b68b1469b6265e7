using System.Reflection;
using System.Runtime.Loader;

namespace Puff.Sync.Transforms;

/// <summary>
/// A migration's assembly with what lies beside it, apart from this process's own assemblies: two migrations may use two versions of one package. The types of
/// Puff itself are shared.
/// </summary>
internal sealed class TransformAssembly : AssemblyLoadContext
{
    private readonly AssemblyDependencyResolver resolver;

    private TransformAssembly(string path)
        : base(Path.GetFileNameWithoutExtension(path), isCollectible: true) => resolver = new AssemblyDependencyResolver(path);

    /// <summary>An instance of the named class. Throws <see cref="TransformException"/> transform_load.</summary>
    public static (ISyncTransform Code, TransformAssembly Assembly) Load(string path, string typeName)
    {
        TransformAssembly? context = null;
        try
        {
            context = new TransformAssembly(path);

            // From a stream, so that the file stays free to be replaced.
            using var bytes = File.OpenRead(path);
            var type = context.LoadFromStream(bytes).GetType(typeName, throwOnError: false)
                ?? throw new TransformException("transform_load", $"Cannot load {Path.GetFileName(path)}: it has no type {typeName}.");
            return Activator.CreateInstance(type) is ISyncTransform code
                ? (code, context)
                : throw new TransformException("transform_load", $"Cannot load {Path.GetFileName(path)}: {typeName} is no {nameof(ISyncTransform)}.");
        }
        catch (TransformException)
        {
            context?.Unload();
            throw;
        }
        catch (Exception failed)
        {
            // Files that are missing or no assemblies, constructors that throw: all mean that this mapping's code cannot be used.
            context?.Unload();
            var cause = failed is TargetInvocationException { InnerException: { } inner } ? inner : failed;
            throw new TransformException(
                "transform_load", $"Cannot load {Path.GetFileName(path)}: {cause.Message}", cause.StackTrace, isRetryable: false, cause);
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name is { } name && name.StartsWith("Puff.", StringComparison.Ordinal))
        {
            return null;
        }

        return resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }
}
