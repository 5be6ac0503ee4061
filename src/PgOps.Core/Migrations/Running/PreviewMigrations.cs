using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>Says what <see cref="InvokeMigrations"/> would do, and touches nothing.</summary>
public sealed class PreviewMigrations
{
    private const int StatementLimit = 200;
    private const int LineLength = 100;

    /// <summary>Makes the plan.</summary>
    /// <param name="request">What would be migrated.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The pending migrations, oldest first.</returns>
    /// <exception cref="PgOpsException">The guard that would refuse the run.</exception>
    public Task<IReadOnlyList<PlannedMigration>> RunAsync(
        MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<IReadOnlyList<PlannedMigration>> WorkAsync(
        MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        if (request.Baseline)
        {
            return (await InvokeMigrations.PlanBaselineAsync(request, sink.Log, cancellationToken).ConfigureAwait(false))
                .Select(file => new PlannedMigration(
                    file.ToString(), $"Record {file} in {request.Target} as already present, without running it.")).ToList();
        }

        var plan = await InvokeMigrations.PlanAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
        return plan.Pending.Select(script => new PlannedMigration(script.File.ToString(), Describe(script, request.Target))).ToList();
    }

    /// <summary>What running a script would do.</summary>
    internal static string Describe(MigrationScript script, PgTarget target)
    {
        var act = script.IsUndo ? $"Undo {script.File} on"
            : script.File.Operations is { } operations ? $"Leave {script.File} ({operations}) to Prisma on"
            : $"Apply {script.File} to";
        var how = script.Transactional ? "one transaction"
            : script.Transactions.Count > 0 ? "with the file's own transactions, else each on its own"
                : "each on its own, because not all can run in a transaction";
        var statements = NameList.Lines(script.Statements, StatementLimit, statement =>
            string.Create(CultureInfo.InvariantCulture, $"line {script.ExcerptAt(statement.Offset).Line,4}: "
                + $"{FirstLine(script, statement)}"));
        return $"{act} {target}: {PgAmount.Of(script.Statements.Count, "statement")}, {how}{statements}";
    }

    private static string FirstLine(MigrationScript script, SqlStatement statement)
    {
        var words = string.Join(' ', script.File.Hide(statement.Text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var copy = statement.CopyData is { } data
            ? $" ({PgAmount.Of(statement.Text.Length + data.Length, "character")} with its data)"
            : "";
        return (words.Length > LineLength ? $"{words[..LineLength]}…" : words) + copy;
    }
}
