using System.Collections;
using System.Management.Automation;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Lets -Target take text, a sandbox, or what carries a target, also when it came back from a job or a file. A plain string parameter
/// would put the text, and a password in it, into PowerShell's own binding errors.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TargetTransformationAttribute : ArgumentTransformationAttribute
{
    /// <summary>
    /// Whether the parameter is an array. One target, too, becomes an array then, before PowerShell tries to make one itself.
    /// </summary>
    public bool Many { get; init; }

    /// <summary>Whether a database's bare name stays text: the cmdlet knows the target beside it, whose server it means.</summary>
    public bool KeepsNames { get; init; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            if ((inputData is PSObject { BaseObject: var inner } ? inner : inputData) is IList list)
            {
                List<object?> items = list.Count > 0 ? [.. list] : throw Nothing("an empty list");
                return Many ? Beside([.. items.Select(NameOrTarget)]) : Only(items)!;
            }

            var one = KeepsNames ? NameOrTarget(inputData) : One(inputData);
            return Many && one is PgTarget target ? new[] { target } : one!;
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    /// <summary>The target that an object is or carries; null when it is one of those that may carry none.</summary>
    /// <exception cref="PgOpsException">TargetInvalid.</exception>
    internal static PgTarget? One(object? input)
    {
        if (ReturnedObject.Bag(input) is { } bag)
        {
            return ReturnedObject.Target(bag);
        }

        var value = input is PSObject wrapped ? wrapped.BaseObject : input;
        return value switch
        {
            // Whoever gives a target means that one, and not the one of the environment.
            null => throw Nothing("$null"),
            PgTarget target => target,
            PgSandbox sandbox => sandbox.Target,

            // One that was read from a folder knows no target; the environment's is taken then.
            PgBackup backup => backup.Source,
            PgDrill drill => drill.Target,
            PgRestore restore => restore.Target,
            PgDatabaseSwitch done => done.Target,
            PgDatabaseReset reset => reset.Target,
            PgDatabaseTest test => test.Target,
            PgTargetTest test => test.Target,
            PgMigrationRun run => run.Target,
            PgMigration migration => migration.Target,
            string text => TargetParser.Parse(text),
            IDictionary parts => TargetParser.FromKeywords(parts.Cast<DictionaryEntry>()
                .Select(part => KeyValuePair.Create(
                    part.Key.ToString() ?? "", ReturnedObject.Text(part.Key.ToString() ?? "", part.Value)))),
            _ => throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                $"An object of type {value.GetType().Name} is not a target.",
                null,
                "Give a postgresql:// URI, 'host=… dbname=…', or the object of New-PgTarget or Start-PgSandbox."),
        };
    }

    private static PgOpsException Nothing(string given) => new(
        PgErrorCode.TargetInvalid,
        $"The target is {given}: the variable or command that was to give it gave nothing.",
        "Nothing was done.",
        "Look at where it comes from; without the parameter DATABASE_URL and the PG* variables are taken.");

    /// <summary>What a list of one holds: PowerShell gives a list where a command may give several.</summary>
    private object? Only(List<object?> list) => list is [var one]
        ? KeepsNames ? NameOrTarget(one) : One(one)
        : throw new PgOpsException(
            PgErrorCode.TargetInvalid,
            $"One target is taken here, and the list holds {list.Count}.",
            "Nothing was done.",
            "Run the command once for each: $targets | ForEach-Object { … $_ }. A database beside another one on its server is "
                + "$target.WithDatabase('name').");

    private static object? NameOrTarget(object? input)
        => (input is PSObject wrapped ? wrapped.BaseObject : input) is string text && TargetParser.IsDatabaseName(text)
            ? text.Trim()
            : One(input);

    /// <summary>Bare names in a list lie on the server of the targets beside them.</summary>
    private static PgTarget[] Beside(List<object?> items)
    {
        var targets = items.OfType<PgTarget>().DistinctBy(target => (target.Host, target.Port)).ToList();
        if (targets.Count > 1 && items.OfType<string>().FirstOrDefault() is { } name)
        {
            throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                $"'{name}' stands beside targets on {targets.Count} servers, so nothing says on which it lies.",
                null,
                $"Give it as a target of its own, for example $target.WithDatabase('{name}').");
        }

        return [.. items.Select(item => item is string bare
            ? targets.FirstOrDefault()?.WithDatabase(bare) ?? TargetParser.Parse(bare)
            : (PgTarget)item!)];
    }
}
