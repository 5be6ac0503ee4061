using System.Collections;
using System.Management.Automation;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Lets -Target take text, a sandbox, or what carries a target. A plain string parameter would put the text, and a password in it,
/// into PowerShell's own binding errors.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TargetTransformationAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether the parameter is an array. One target, too, becomes an array then, before PowerShell tries to make one itself.</summary>
    public bool Many { get; init; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if ((inputData is PSObject { BaseObject: var inner } ? inner : inputData) is IList list)
        {
            return Many ? list.Cast<object>().Select(One).Cast<PgTarget>().ToArray() : list.Cast<object>().Select(One).ToArray();
        }

        var one = One(inputData);
        return Many && one is PgTarget target ? new[] { target } : one;
    }

    private static object One(object? input)
    {
        var value = input is PSObject wrapped ? wrapped.BaseObject : input;
        try
        {
            return value switch
            {
                // A backup read from a folder knows no target; the environment's is taken then.
                null => null!,
                PgTarget target => target,
                PgSandbox sandbox => sandbox.Target,
                PgBackup backup => backup.Source!,
                PgDrill drill => drill.Target!,
                PgRestore restore => restore.Target,
                PgDatabaseSwitch done => done.Target,
                PgMigrationRun run => run.Target,
                PgMigration migration => migration.Target!,
                string text => TargetParser.Parse(text),
                IDictionary parts => TargetParser.FromKeywords(parts.Cast<DictionaryEntry>()
                    .Select(part => KeyValuePair.Create(part.Key.ToString() ?? "", part.Value?.ToString()))),
                _ => throw new ArgumentTransformationMetadataException(
                    $"A {value.GetType().Name} is no target. Give a postgresql:// URI, 'host=… dbname=…', or the object of New-PgTarget or Start-PgSandbox."),
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
