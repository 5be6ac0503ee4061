using Mono.Cecil;
using Mono.Cecil.Cil;
using PgOps.Core.Common.Operations;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Architecture;

/// <summary>Holds the compiled core against the floor plan: what the code really uses, its bodies included.</summary>
public sealed class FloorPlanTests
{
    private const string Root = "PgOps.Core.";
    private readonly ITestOutputHelper _output;

    public FloorPlanTests(ITestOutputHelper output)
    {
        _output = output;
    }

    [Fact]
    public void Every_room_uses_only_what_the_plan_lets_it_use()
    {
        var used = Arrows();
        var wrong = used.Where(arrow => !Floors.Allows(arrow.From, arrow.To))
            .Select(arrow => $"{arrow.From} -> {arrow.To}: {string.Join(", ", arrow.Where.Take(3))}").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Every_folder_is_a_room_of_the_plan()
    {
        using var core = Core();
        var rooms = core.MainModule.Types.Select(RoomOf).OfType<string>().Distinct().ToHashSet();
        Assert.Equal(rooms.Order(StringComparer.Ordinal), Floors.Plan.Select(entry => entry.Room).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_plan_lets_no_room_look_up_and_no_floor_use_itself_in_a_circle()
    {
        for (var index = 0; index < Floors.Plan.Length; index++)
        {
            var (room, uses) = Floors.Plan[index];
            var below = Floors.Plan[..index].Select(entry => entry.Room).ToList();
            Assert.All(
                uses, name => Assert.Contains(below, other => other == name || other.StartsWith(name + ".", StringComparison.Ordinal)));
            _output.WriteLine($"{room} uses {(uses.Length == 0 ? "nothing" : string.Join(", ", uses))}");
        }

        // The same one level up: whole floors.
        var floors = Arrows().Select(arrow => (From: Floor(arrow.From), To: Floor(arrow.To))).Where(arrow => arrow.From != arrow.To)
            .Distinct().ToList();
        while (floors.Count > 0)
        {
            var ground = floors.Where(arrow => floors.TrueForAll(other => other.From != arrow.To)).ToList();
            Assert.True(ground.Count > 0, "a circle of floors: " + string.Join(", ", floors));
            floors.RemoveAll(ground.Contains);
        }
    }

    [Fact]
    public void The_core_knows_nothing_of_PowerShell()
    {
        using var core = Core();
        Assert.DoesNotContain(
            core.MainModule.AssemblyReferences,
            reference => reference.Name.StartsWith("System.Management.Automation", StringComparison.Ordinal));
    }

    [Fact]
    public void Storage_drivers_know_files_and_nothing_of_backups()
    {
        using var core = Core();
        var knowing = core.MainModule.Types.Where(type => RoomOf(type) == "Repository.Storage")
            .Where(type => Used(type).Any(used => used.Name is "HashList" or "FileEndings" or "PgBackup" or "PgBackupManifest"));
        Assert.Empty(knowing.Select(type => type.Name));
    }

    [Fact]
    public void No_using_points_where_the_plan_does_not_let_a_room_look()
    {
        // The compiled core shows neither a using that only a comment needs nor the owner of a constant.
        var sources = Path.Combine(SourceFolder(), "..", "..", "..", "src", "PgOps.Core");
        var wrong = Floors.Plan.SelectMany(entry => Directory.EnumerateFiles(Path.Combine(sources, entry.Room.Replace('.', '/')), "*.cs")
            .SelectMany(path => File.ReadLines(path)
                .Where(line => line.StartsWith("using " + Root, StringComparison.Ordinal))
                .Select(line => line["using ".Length..].TrimEnd(';')[Root.Length..])
                .Where(room => room != entry.Room && !Floors.Allows(entry.Room, room))
                .Select(room => $"{Path.GetRelativePath(sources, path)} -> {room}")));
        Assert.Empty(wrong);
    }

    [Fact]
    public void One_file_brings_files_to_the_disk()
    {
        // .NET's own passes over an error of the disk.
        var sources = Path.Combine(SourceFolder(), "..", "..", "..", "src");
        var asking = Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories)
            .Where(path => File.ReadAllText(path) is var text
                && (text.Contains("flushToDisk", StringComparison.Ordinal) || text.Contains("FlushToDisk", StringComparison.Ordinal)))
            .Select(Path.GetFileName);
        Assert.Equal(["DurableFile.cs"], asking);
    }

    [Fact]
    public void Types_live_in_files_of_their_name()
    {
        var sources = Path.Combine(SourceFolder(), "..", "..", "..", "src", "PgOps.Core");
        var files = Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(sources, path).Replace('\\', '/'))
            .Where(path => !path.StartsWith("obj/", StringComparison.Ordinal) && !path.StartsWith("bin/", StringComparison.Ordinal))
            .Select(path => path[..path.LastIndexOf('/')].Replace('/', '.') + "." + Path.GetFileName(path).Split('.')[0]).ToHashSet();
        using var core = Core();
        var homeless = core.MainModule.Types.Where(type => RoomOf(type) is not null && type.Name[0] != '<')
            .Select(type => type.FullName[Root.Length..].Split('`')[0])
            .Where(name => !files.Contains(name) && !name.EndsWith("Json", StringComparison.Ordinal)).ToList();
        Assert.Empty(homeless);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static string Floor(string room) => room.Split('.')[0];

    private static AssemblyDefinition Core() => AssemblyDefinition.ReadAssembly(typeof(IOperationSink).Assembly.Location);

    private static string? RoomOf(TypeReference type)
    {
        var outermost = type.GetElementType() is { } element ? element : type;
        while (outermost.DeclaringType is { } outer)
        {
            outermost = outer;
        }

        return outermost.Namespace.StartsWith(Root, StringComparison.Ordinal) ? outermost.Namespace[Root.Length..] : null;
    }

    private static IReadOnlyList<(string From, string To, IReadOnlyList<string> Where)> Arrows()
    {
        using var core = Core();
        return [
            .. core.MainModule.Types.Where(type => RoomOf(type) is not null)
                .SelectMany(type => Used(type).Select(RoomOf).OfType<string>().Distinct()
                    .Select(room => (From: RoomOf(type)!, To: room, type.Name)))
                .Where(arrow => arrow.From != arrow.To)
                .GroupBy(arrow => (arrow.From, arrow.To))
                .Select(group => (group.Key.From, group.Key.To, (IReadOnlyList<string>)[.. group.Select(arrow => arrow.Name).Distinct()])),
        ];
    }

    /// <summary>Every type that a type names: in its shape, and in what its methods do, those of nested and made-up types too.</summary>
    private static IEnumerable<TypeReference> Used(TypeDefinition type)
    {
        var named = new List<TypeReference>();
        named.AddRange(type.Interfaces.Select(implemented => implemented.InterfaceType));
        if (type.BaseType is { } parent)
        {
            named.Add(parent);
        }

        named.AddRange(type.Fields.Select(field => field.FieldType));
        named.AddRange(type.Properties.Select(property => property.PropertyType));
        foreach (var method in type.Methods)
        {
            named.Add(method.ReturnType);
            named.AddRange(method.Parameters.Select(parameter => parameter.ParameterType));
            if (method.HasBody)
            {
                named.AddRange(method.Body.Variables.Select(variable => variable.VariableType));
                named.AddRange(method.Body.Instructions.SelectMany(Named));
            }
        }

        return named.SelectMany(Parts).Concat(type.NestedTypes.SelectMany(Used));
    }

    private static IEnumerable<TypeReference> Named(Instruction instruction) => instruction.Operand switch
    {
        TypeReference named => [named],
        GenericInstanceMethod generic => [generic.DeclaringType, generic.ReturnType, .. generic.GenericArguments],
        MethodReference method => [method.DeclaringType, method.ReturnType],
        FieldReference field => [field.DeclaringType, field.FieldType],
        _ => [],
    };

    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
        GenericParameter => [],
        TypeSpecification made => Parts(made.ElementType),
        _ => [type],
    };
}
