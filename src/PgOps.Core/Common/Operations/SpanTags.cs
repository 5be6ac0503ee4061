using System.Diagnostics;

namespace PgOps.Core.Common.Operations;

/// <summary>What spans say of a result or of an error: names, versions, ids and codes, nothing that could hold a secret.</summary>
internal static class SpanTags
{
    /// <summary>The database's name, by the name that OpenTelemetry has for it.</summary>
    internal const string Database = "db.namespace";

    /// <summary>PostgreSQL's version on the server that was worked on.</summary>
    internal const string ServerVersion = "pgops.server_version";

    /// <summary>The backup's id.</summary>
    internal const string BackupId = "pgops.backup_id";

    /// <summary>done, passed, failed, skipped, error or cancelled.</summary>
    internal const string Outcome = "pgops.outcome";

    /// <summary>The PgErrorCode of an error, or the type of another exception.</summary>
    internal const string Error = "error.type";

    /// <summary>Tags a span with what came out.</summary>
    internal static void Set(Activity? span, object? result)
    {
        if (span is null)
        {
            return;
        }

        var (outcome, backup, version) = result switch
        {
            PgDrill drill => (Word(drill), drill.Backup, drill.ServerVersion),
            PgRestore restore => (Word(restore), restore.Backup, null),
            PgBackupTest test => (Word(test), test.Backup, null),
            PgDatabaseTest test => (Word(test), null, test.ServerVersion),
            PgCheckedResult other => (Word(other), null, null),
            PgBackup made => ("done", made, made.Manifest?.Server.Version),
            PgSandbox sandbox => ("done", null, sandbox.ServerVersion),
            FleetOutcome fleet => (fleet.Failed.Count + fleet.NotBegun.Count > 0 ? "failed" : "done", null, null),
            PgCheck check => (check.Status.ToString().ToLowerInvariant(), (PgBackup?)null, (string?)null),
            _ => ("done", null, null),
        };
        span.SetTag(Outcome, outcome);
        SetSome(span, BackupId, backup?.Id);
        SetSome(span, ServerVersion, version);
        if (result is PgCheck named)
        {
            span.DisplayName = named.Name;
        }
        else if (span.GetTagItem(Database) is null)
        {
            SetSome(span, Database, backup?.Database);
        }
    }

    /// <summary>Tags a span with what went wrong; always false, to be asked in an exception filter.</summary>
    internal static bool Set(Activity? span, Exception error)
    {
        if (error is OperationCanceledException)
        {
            span?.SetTag(Outcome, "cancelled");
            return false;
        }

        var code = error is PgOpsException known ? known.Code.ToString() : error.GetType().Name;
        span?.SetTag(Outcome, "error").SetTag(Error, code).SetStatus(ActivityStatusCode.Error, code);
        return false;
    }

    private static string Word(PgCheckedResult result) => result.Passed ? "passed" : "failed";

    private static void SetSome(Activity span, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            span.SetTag(name, value);
        }
    }
}
