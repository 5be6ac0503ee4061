using System.Collections;
using System.Management.Automation;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// PgOps' objects as they come back from a job, a remote session, Clixml, JSON or CSV: bags of properties that have lost their type, and
/// every secret. Everything that takes the live object takes these as well.
/// </summary>
internal static class ReturnedObject
{
    /// <summary>The input as a bag of properties; null when it is a live object.</summary>
    internal static PSObject? Bag(object? input) => input is PSObject { BaseObject: PSCustomObject } bag ? bag : null;

    /// <summary>The name of PgOps' type that it was, told by its own type names, else by its properties; null when it was none.</summary>
    internal static string? Kind(PSObject bag)
    {
        foreach (var name in bag.TypeNames)
        {
            var plain = name.Split('.', 2) is ["Deserialized" or "Selected", var rest] ? rest : name;
            if (plain.StartsWith("PgOps.", StringComparison.Ordinal))
            {
                return plain["PgOps.".Length..];
            }
        }

        return Has(bag, "SnapshotAt", "Path", "Id") ? nameof(PgBackup)
            : Has(bag, "ServerProcessId", "Path", "Id") ? nameof(PgSandbox)
            : Has(bag, "BackupPassed", "Backup", "Checks") ? nameof(PgDrill)
            : Has(bag, "HasPassword", "Host") ? nameof(PgTarget)
            : null;
    }

    /// <summary>The target that it was or carries; null when it is of those that may carry none, and does not.</summary>
    /// <exception cref="PgOpsException">TargetInvalid.</exception>
    internal static PgTarget? Target(PSObject bag)
    {
        var kind = Kind(bag);
        if (kind == nameof(PgSandbox))
        {
            return Sandbox(bag) is { ServerProcessId: > 0 } running ? running.Target : throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                $"The sandbox {bag.Properties["Id"]?.Value} does not run on this machine any more, or is another user's.",
                null,
                "Get-PgSandbox lists those that run.");
        }

        if (kind == nameof(PgBackup))
        {
            return Carried(bag, "Source");
        }

        if (kind is null && bag.Properties["Target"]?.Value is string { Length: > 0 } text)
        {
            // A row of a file of the user's own, with a column of URIs.
            return TargetParser.Parse(text);
        }

        if (kind != nameof(PgTarget) && Has(bag, "Target"))
        {
            return Carried(bag, "Target");
        }

        var record = TargetParser.FromRecord(Columns(bag));
        if (record.PassedOver.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                $"'{string.Join("', '", record.PassedOver)}' is not part of a target.",
                null,
                "Pipe the objects or rows through New-PgTarget, which passes over what is none of its own.");
        }

        return record.NamesServer ? record.Target : throw new PgOpsException(
            PgErrorCode.TargetInvalid,
            $"Nothing in the object says which server, and {record.Target} would be taken.",
            null,
            "Give it a Host. New-PgTarget takes objects without one, and warns.");
    }

    /// <summary>The properties as text.</summary>
    /// <exception cref="PgOpsException">TargetInvalid: one holds an object.</exception>
    internal static IEnumerable<KeyValuePair<string, string?>> Columns(PSObject bag)
        => bag.Properties.Where(property => property.IsGettable)
            .Select(property => KeyValuePair.Create(property.Name, Text(property.Name, property.Value)));

    /// <summary>The sandbox with its password, when it runs on this machine; else what is known of it, without a process id.</summary>
    internal static PgSandbox Sandbox(PSObject bag)
    {
        var (id, path) = ($"{bag.Properties["Id"]?.Value}", $"{bag.Properties["Path"]?.Value}");
        var request = new FindSandboxesRequest { Id = id, Path = Path.GetDirectoryName(path) };
        var running = new FindSandboxes().RunAsync(request, new SilentSink(), CancellationToken.None).GetAwaiter().GetResult();
        return running.Count > 0
            ? running[0]
            : new PgSandbox { Id = id, Path = path, ServerVersion = "", Target = new PgTarget { Name = id, Host = path } };
    }

    /// <summary>The checks of a result.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: they have become text.</exception>
    internal static IReadOnlyList<PgCheck> Checks(PSObject bag)
        => [.. Items(bag.Properties["Checks"]?.Value).Select(item => Bag(item) is { } check && Has(check, "Name", "Status")
            ? new PgCheck
            {
                Name = $"{check.Properties["Name"].Value}",
                Status = LanguagePrimitives.ConvertTo<PgCheckStatus>($"{check.Properties["Status"].Value}"),
                Detail = $"{check.Properties["Detail"]?.Value}",
            }
            : throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "The checks have come back as text, so nothing says how they ended.",
                null,
                "Give ConvertTo-Json or Export-Clixml a -Depth of 4, or hand the object itself on."))];

    internal static bool Has(PSObject bag, params string[] names) => Array.TrueForAll(names, name => bag.Properties[name] is not null);

    private static PgTarget? Carried(PSObject bag, string name) => bag.Properties[name]?.Value switch
    {
        null => null,
        PgTarget live => live,
        PSObject { BaseObject: PgTarget live } => live,
        var value when Bag(value) is { } inner => Target(inner),
        var value when $"{value}" is { Length: > 0 } text => throw new PgOpsException(
            PgErrorCode.TargetInvalid,
            $"The object's {name} has come back as the text '{text}', which does not say all of it.",
            null,
            "Give -Target itself, or ConvertTo-Json and Export-Clixml a -Depth of 3."),
        _ => null,
    };

    private static IEnumerable<object?> Items(object? value)
        => (value is PSObject { BaseObject: var inner } wrapped && inner is not PSCustomObject ? inner : value) switch
        {
            null => [],
            IEnumerable list and not string => list.Cast<object?>(),
            var one => [one],
        };

    /// <summary>A part of a target as text.</summary>
    /// <exception cref="PgOpsException">TargetInvalid: it holds an object.</exception>
    internal static string? Text(string name, object? part)
    {
        var value = part is PSObject { BaseObject: not PSCustomObject } wrapped && wrapped.BaseObject is not ValueType
            ? wrapped.BaseObject
            : part;

        // A time span that went through JSON, into an object or with -AsHashtable.
        if ((Bag(value)?.Properties["Ticks"]?.Value ?? (value as IDictionary)?["Ticks"]) is { } ticks)
        {
            value = TimeSpan.FromTicks(LanguagePrimitives.ConvertTo<long>(ticks));
        }

        return Bag(value) is not null || value is IDictionary || (value is IEnumerable and not string)
            ? throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                $"'{name}' holds an object, but a target's parts are texts and numbers.",
                null,
                "Give its parts apart.")
            : value is null ? null : LanguagePrimitives.ConvertTo<string>(value);
    }
}
