using System.Text.RegularExpressions;
using Mono.Cecil;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Tests.Architecture;

/// <summary>Log messages have stable ids, which docs/log-format.md lists; nothing is logged as free text.</summary>
public sealed partial class LogEventTests
{
    private const string Attribute = "Microsoft.Extensions.Logging.LoggerMessageAttribute";
    private const string Logger = "Microsoft.Extensions.Logging.ILogger";

    [Fact]
    public void Ids_and_names_are_unique()
    {
        var events = Events();
        Assert.True(events.Count > 40, $"only {events.Count} events were found");
        Assert.Equal(events.Count, events.Select(one => one.Id).Distinct().Count());
        Assert.Equal(events.Count, events.Select(one => one.Name).Distinct().Count());
    }

    [Fact]
    public void Every_room_keeps_to_its_range_of_ids_and_logs_through_one_file()
    {
        var ranges = Ranges();
        Assert.All(Events(), one => Assert.Equal(ranges.GetValueOrDefault(one.Id / 100 * 100), one.Room));
        Assert.All(Events().GroupBy(one => one.Room), room => Assert.Single(room.Select(one => one.Type).Distinct()));
    }

    [Fact]
    public void The_documentation_lists_every_event_as_it_is()
    {
        var documented = EventRow().Matches(Document())
            .Select(row => (int.Parse(row.Groups["id"].Value, null), row.Groups["name"].Value, row.Groups["text"].Value.Trim()));
        Assert.Equal(
            Events().OrderBy(one => one.Id).Select(one => (one.Id, one.Name, one.Text.Trim())), documented.Where(row => row.Item1 < 10000));
    }

    [Fact]
    public void Nothing_is_logged_as_free_text()
    {
        using var core = Core();
        var free = core.MainModule.GetTypes()
            .SelectMany(type => type.Methods.Where(method => method.HasBody && !IsGenerated(method)))
            .SelectMany(method => method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>()
                .Where(IsFreeText).Select(called => $"{method.DeclaringType.FullName}.{method.Name} calls {called.Name}"))
            .ToList();

        // It hands on what was logged, with a name in front.
        free.RemoveAll(call => call.StartsWith($"{typeof(FleetSink).FullName}.", StringComparison.Ordinal));
        Assert.Empty(free);
    }

    private static bool IsFreeText(MethodReference called)
        => called.DeclaringType.FullName == "Microsoft.Extensions.Logging.LoggerExtensions"
            || (called.DeclaringType.FullName == Logger && called.Name == "Log");

    private static bool IsGenerated(MethodDefinition method)
        => method.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "GeneratedCodeAttribute");

    private static List<(int Id, string Name, string Text, string Room, string Type)> Events()
    {
        using var core = Core();
        return [
            .. core.MainModule.GetTypes().SelectMany(type => type.Methods)
                .SelectMany(method => method.CustomAttributes.Where(attribute => attribute.AttributeType.FullName == Attribute)
                    .Select(attribute => (
                        Id: Value<int>(attribute, "EventId"),
                        method.Name,
                        Text: Value<string>(attribute, "Message"),
                        Room: method.DeclaringType.Namespace["PgOps.Core.".Length..],
                        Type: method.DeclaringType.Name))),
        ];
    }

    /// <summary>A value of the attribute, given by position or by name.</summary>
    private static T Value<T>(CustomAttribute attribute, string name)
        => attribute.Properties.Where(property => property.Name == name).Select(property => property.Argument.Value)
            .Concat(attribute.ConstructorArguments.Select(argument => argument.Value)).OfType<T>().First();

    private static Dictionary<int, string> Ranges()
        => RangeRow().Matches(Document())
            .ToDictionary(row => int.Parse(row.Groups["first"].Value, null), row => row.Groups["room"].Value.Replace('/', '.'));

    private static string Document()
        => File.ReadAllText(Path.Combine(SourceFolder(), "..", "..", "..", "docs", "log-format.md")).ReplaceLineEndings("\n");

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static AssemblyDefinition Core() => AssemblyDefinition.ReadAssembly(typeof(IOperationSink).Assembly.Location);

    [GeneratedRegex(@"^\| (?<first>\d+) to \d+ \| `(?<room>[\w/]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex RangeRow();

    [GeneratedRegex(@"^\| (?<id>\d+) \| `(?<name>\w+)` \| [\w ]+ \| `(?<text>.*)` \|$", RegexOptions.Multiline)]
    private static partial Regex EventRow();
}
