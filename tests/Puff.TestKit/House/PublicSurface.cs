using System.Reflection;
using System.Text;

namespace Puff.TestKit.House;

/// <summary>
/// What an assembly promises, as text: one line per public type and member, sorted. The text is kept in docs/api and reviewed like code.
/// To accept a change, run the tests once with PUFF_ACCEPT_PUBLIC_SURFACE=1 and commit the file.
/// </summary>
internal static class PublicSurface
{
    public const string AcceptVariable = "PUFF_ACCEPT_PUBLIC_SURFACE";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    // What the compiler adds to every record says nothing that "record" does not.
    private static readonly HashSet<string> RecordMembers =
    [
        "Equals", "GetHashCode", "ToString", "PrintMembers", "<Clone>$", "op_Equality", "op_Inequality", "get_EqualityContract", "Deconstruct",
    ];

    /// <summary>The difference to the accepted text, or null; with the accept variable set, the text is accepted instead.</summary>
    public static string? Compare(Assembly assembly)
    {
        string name = assembly.GetName().Name!;
        string path = Repository.Resolve($"docs/api/{name}.txt");
        string actual = Describe(assembly.GetExportedTypes());
        if (Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            File.WriteAllText(path, actual);
            return null;
        }

        string[] expected = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] lines = actual.TrimEnd('\n').Split('\n');
        var difference = expected.Except(lines).Select(line => "- " + line).Concat(lines.Except(expected).Select(line => "+ " + line)).ToList();
        return difference.Count == 0
            ? null
            : $"the public surface of {name} is not what docs/api/{name}.txt promises (accept with {AcceptVariable}=1):\n{string.Join('\n', difference)}";
    }

    public static string Describe(IEnumerable<Type> types)
    {
        var text = new StringBuilder();
        foreach (Type type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Heading(type)).Append('\n');
            foreach (string member in Members(type).Order(StringComparer.Ordinal))
            {
                text.Append("  ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Heading(Type type)
    {
        Type?[] bases = IsTrivialBase(type.BaseType) ? [] : [type.BaseType];
        string list = type.IsEnum ? "" : string.Join(", ", bases.Concat(type.GetInterfaces()).Select(one => Name(one!)));
        return $"{Modifier(type)}{Record(type)}{Kind(type)} {type.Namespace}.{Name(type)}{(list.Length == 0 ? "" : " : " + list)}";
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        _ => typeof(Delegate).IsAssignableFrom(type) ? "delegate" : "class",
    };

    private static string Modifier(Type type) => type switch
    {
        { IsInterface: true } or { IsValueType: true } => "",
        { IsAbstract: true, IsSealed: true } => "static ",
        { IsAbstract: true } => "abstract ",
        { IsSealed: true } => "sealed ",
        _ => "",
    };

    private static string Record(Type type) =>
        type.GetMethod("<Clone>$") != null || (type.IsValueType && type.GetMethod("PrintMembers", Declared) != null) ? "record " : "";

    private static bool IsTrivialBase(Type? type) =>
        type == null || type == typeof(object) || type == typeof(ValueType) || type == typeof(Enum) || type == typeof(MulticastDelegate);

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), null)}");
        }

        var constructors = type.GetConstructors(Declared).Where(IsPromised).Select(one => $"{Short(type)}({Parameters(one)})");
        var properties = type.GetProperties(Declared).Where(IsPromised).Select(Property);
        var methods = type.GetMethods(Declared).Where(one => IsPromised(one) && !IsAccessor(one) && !RecordMembers.Contains(one.Name)).Select(Method);
        var fields = type.GetFields(Declared).Where(one => one.IsPublic).Select(Field);
        return constructors.Concat(properties).Concat(methods).Concat(fields);
    }

    private static bool IsPromised(PropertyInfo property) =>
        (property.GetMethod ?? property.SetMethod) is { } accessor && IsPromised(accessor) && !RecordMembers.Contains(accessor.Name);

    private static bool IsPromised(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static string Static(bool isStatic) => isStatic ? "static " : "";

    private static string Property(PropertyInfo property)
    {
        MethodInfo? setter = property.SetMethod is { } one && IsPromised(one) ? one : null;
        bool isInit = setter != null && setter.ReturnParameter.GetRequiredCustomModifiers().Length > 0;
        string accessors = (property.GetMethod == null ? "" : " get;") + (setter == null ? "" : isInit ? " init;" : " set;");
        bool isStatic = (property.GetMethod ?? property.SetMethod)!.IsStatic;
        return $"{Static(isStatic)}{Name(property.PropertyType)}{Mark(Nullability.Create(property).ReadState)} {property.Name} {{{accessors} }}";
    }

    private static string Method(MethodInfo method)
    {
        string result = Name(method.ReturnType) + Mark(Nullability.Create(method.ReturnParameter).ReadState);
        return $"{Static(method.IsStatic)}{result} {method.Name}{Generics(method)}({Parameters(method)})";
    }

    private static string Field(FieldInfo field) => field.IsLiteral
        ? $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}"
        : $"{Static(field.IsStatic)}field {Name(field.FieldType)} {field.Name}";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string passing = !parameter.ParameterType.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        string mark = Mark(Nullability.Create(parameter).WriteState);
        return $"{passing}{Name(parameter.ParameterType)}{mark} {parameter.Name}{(parameter.HasDefaultValue ? " = …" : "")}";
    }

    // A nullable value type already says so in its name.
    private static string Mark(NullabilityState state) => state == NullabilityState.Nullable ? "?" : "";

    private static string Generics(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Short(Type type) => type.Name.Split('`')[0];

    private static string Name(Type type)
    {
        if (type.IsByRef)
        {
            return Name(type.GetElementType()!);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying);
        }

        if (type.IsArray)
        {
            return Name(type.GetElementType()!) + "[]";
        }

        string outer = type.IsNested && !type.IsGenericParameter ? Name(type.DeclaringType!) + "." : "";
        return outer + Short(type) + (type.IsGenericType ? $"<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : "");
    }
}
