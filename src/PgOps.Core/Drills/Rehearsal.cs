using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Drills;

/// <summary>Applies the pending migrations to a restored copy: do they fit the real data, and how long do they take?</summary>
internal static class Rehearsal
{
    /// <summary>The check's name.</summary>
    internal const string Name = PgCheckName.Rehearsal;

    private const int MostNamed = 10;
    private static readonly string[] Shared = ["ROLE", "USER", "GROUP", "DATABASE", "TABLESPACE", "SYSTEM", "SUBSCRIPTION", "OWNED"];
    private static readonly string[] Changing = ["CREATE", "ALTER", "DROP", "COMMENT", "REASSIGN"];

    /// <summary>Reads the folder: one that cannot be read is better known before the restore than after it.</summary>
    /// <exception cref="PgOpsException">PathNotFound, MigrationSourceInvalid.</exception>
    internal static void RequireReadable(RehearsalRequest? request)
    {
        if (request is not null)
        {
            _ = MigrationFolder.ReadWhole(request.Path, request.Variables);
        }
    }

    /// <summary>Applies what is pending.</summary>
    /// <param name="request">The migrations.</param>
    /// <param name="copy">The restored copy.</param>
    /// <param name="serverIsShared">Whether the server is a given one, on which other databases live.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops the running migration.</param>
    /// <returns>Passed, failed with the migration's error, or skipped with the reason.</returns>
    internal static async Task<PgCheck> RunAsync(
        RehearsalRequest request, PgTarget copy, bool serverIsShared, IOperationSink sink, CancellationToken cancellationToken)
    {
        var migrations = new MigrationRequest
        {
            Target = copy,
            Path = request.Path,
            HistorySchema = request.HistorySchema,
            Variables = request.Variables,
        };
        try
        {
            if (serverIsShared && await ReachesOutAsync(migrations, sink, cancellationToken).ConfigureAwait(false) is { } statement)
            {
                return PgCheck.Skip(
                    Name, $"{statement} changes what all databases of the server share; leave -Target out and rehearse in a sandbox");
            }

            return Describe(await new InvokeMigrations().RunAsync(migrations, sink, cancellationToken).ConfigureAwait(false));
        }
        catch (PgOpsException error) when (!cancellationToken.IsCancellationRequested
            && error.Code is not (PgErrorCode.ConnectionLost or PgErrorCode.ConnectionFailed))
        {
            return PgCheck.Fail(Name, error.Problem);
        }
    }

    /// <summary>
    /// The first pending statement whose effect would outlive the copy; null when there is none. A DO block is not seen through.
    /// </summary>
    private static async Task<string?> ReachesOutAsync(MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var plan = await InvokeMigrations.PlanAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
        var found = plan.Pending.SelectMany(script => script.Statements.Where(IsShared), (script, statement) => (script, statement))
            .FirstOrDefault();
        return found.statement is null
            ? null
            : $"{found.script.File} ({string.Join(' ', found.statement.Keywords.Take(3))}…)";
    }

    private static bool IsShared(SqlStatement statement) => statement.Keywords switch
    {
        [_, "USER", "MAPPING", ..] => false,
        ["COMMENT", "ON", var what, ..] => Shared.Contains(what),
        [var verb, var what, ..] when Changing.Contains(verb) => Shared.Contains(what),

        // GRANT role TO role; privileges on objects are granted ON them.
        ["GRANT" or "REVOKE", ..] => !HasWord(statement, "ON"),
        _ => false,
    };

    private static bool HasWord(SqlStatement statement, string word)
    {
        var at = new SqlCursor(statement);
        while (!at.AtEnd)
        {
            if (at.At(word))
            {
                return true;
            }

            at.Advance();
        }

        return false;
    }

    private static PgCheck Describe(PgMigrationRun run)
    {
        if (run.Applied.Count == 0)
        {
            return PgCheck.Pass(Name, run.ToVersion is null ? "nothing is pending" : $"nothing is pending at version {run.ToVersion}");
        }

        var named = NameList.InSentence(run.Applied.Select(migration => string.Create(
            CultureInfo.InvariantCulture, $"{migration} in {migration.Duration?.TotalSeconds:0.00} s")), MostNamed);
        return PgCheck.Pass(Name, string.Create(
            CultureInfo.InvariantCulture, $"applied {run.Applied.Count} in {run.Duration.TotalSeconds:0.00} s: {named}"));
    }
}
