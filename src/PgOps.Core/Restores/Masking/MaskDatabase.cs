using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// Masks a staging database before it takes its final name: every value is made on the server, no row leaves it, and afterwards nothing
/// in its files holds an original value of a masked column.
/// </summary>
internal sealed class MaskDatabase
{
    private const string ViewsQuery = """
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid
        """;

    private const string Dropped = "The staging database is dropped; nothing was put in place.";

    private readonly PgTarget _target;
    private readonly string _path;
    private readonly IReadOnlyList<MaskRule> _rules;
    private readonly MaskKey _key;
    private readonly bool _seeded;
    private MaskPlan? _plan;
    private MaskCatalog? _catalog;

    /// <summary>Prepares.</summary>
    /// <param name="target">The staging database.</param>
    /// <param name="path">The rules file, for messages.</param>
    /// <param name="rules">Its rules.</param>
    /// <param name="seed">What the masks are made from; null for masks that no other run makes again.</param>
    internal MaskDatabase(PgTarget target, string path, IReadOnlyList<MaskRule> rules, PgSecret? seed)
    {
        _target = target;
        _path = path;
        _rules = rules;
        _key = MaskKey.From(seed);
        _seeded = seed is not null;
    }

    /// <summary>What was masked.</summary>
    internal IReadOnlyList<PgMaskedColumn> Masked { get; private set; } = [];

    /// <summary>Masks, and leaves no original behind in the tables.</summary>
    /// <param name="jobs">Tables to work on at once.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops; the staging database is then no use to anybody.</param>
    /// <returns>The check.</returns>
    /// <exception cref="PgOpsException">InvalidArgument with everything that does not fit; RestoreFailed; RestoreMismatch.</exception>
    internal async Task<PgCheck> RunAsync(int jobs, IOperationSink sink, CancellationToken cancellationToken)
    {
        var elapsed = Stopwatch.StartNew();
        using var progress = new ProgressActivity(sink, "Masking the copy");
        var session = await MaskSession.OpenAsync(_target, cancellationToken).ConfigureAwait(false);
        await using var sessionGone = session.ConfigureAwait(false);
        var tables = await PlanAsync(session, cancellationToken).ConfigureAwait(false);
        var keys = _plan!.ForeignKeys;
        foreach (var key in keys)
        {
            await session.ExecuteAsync($"ALTER TABLE {key.Table} DROP CONSTRAINT {Quote.Identifier(key.Name)}", cancellationToken)
                .ConfigureAwait(false);
        }

        var masked = new ConcurrentBag<PgMaskedColumn>();
        await MaskSession.EachAsync(
            _target,
            tables,
            jobs,
            async (worker, table, token) =>
            {
                foreach (var column in await table.RunAsync(worker, _key, token).ConfigureAwait(false))
                {
                    masked.Add(column);
                }
            },
            cancellationToken).ConfigureAwait(false);
        await TieAsync(session, keys, cancellationToken).ConfigureAwait(false);
        var views = await session.QueryAsync(ViewsQuery, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
        foreach (var view in views)
        {
            await session.ExecuteAsync($"REFRESH MATERIALIZED VIEW {view}", cancellationToken).ConfigureAwait(false);
        }

        await MaskedTableRewrite.RewriteAsync(_target, [.. _plan.Tables.Select(table => table.Key)], jobs, cancellationToken)
            .ConfigureAwait(false);
        Masked = [.. masked.OrderBy(column => column.Table, StringComparer.Ordinal)
            .ThenBy(column => column.Column, StringComparer.Ordinal)];
        return Check() with { Duration = elapsed.Elapsed };
    }

    /// <summary>After ANALYZE: cleans the statistics up, and names what looks like personal data and has no rule.</summary>
    /// <param name="strict">Whether to fail where there is some.</param>
    /// <param name="log">Receives the warning.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="PgOpsException">CheckFailed, when strict.</exception>
    internal async Task<IReadOnlyList<PgCheck>> FinishAsync(bool strict, ILogger log, CancellationToken cancellationToken)
    {
        var traces =
            await TimedCheck.RunAsync(() => MaskedTableRewrite.RewriteStatisticsAsync(_target, cancellationToken)).ConfigureAwait(false);
        var open = await TimedCheck.RunAsync(() => UnmaskedAsync(cancellationToken)).ConfigureAwait(false);
        var failed = new[] { Check(), traces, open }.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        foreach (var check in failed)
        {
            log.MaskCheckFailed(check.Name, check.Detail);
        }

        return failed.Count == 0 || !strict
            ? [traces, open]
            : throw new PgOpsException(
                PgErrorCode.CheckFailed,
                "The masked copy may hold personal data:\n  " + string.Join(
                    "\n  ", failed.Select(check => $"{check.Name}: {check.Detail}")),
                Dropped,
                $"Give the columns rules in {_path}, or \"keep\" for those that may stay.");
    }

    private async Task<IReadOnlyList<MaskTable>> PlanAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        _catalog = await MaskCatalog.ReadAsync(session, cancellationToken).ConfigureAwait(false);
        _plan = MaskPlan.Make(_rules, _catalog);
        var problems = new List<string>(_plan.Problems);
        var tables = _plan.Tables.Select(steps => new MaskTable(steps, _catalog)).ToList();
        var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await _key.SendAsync(session, cancellationToken).ConfigureAwait(false);
            foreach (var table in tables)
            {
                await table.ProbeAsync(session, problems, cancellationToken).ConfigureAwait(false);
            }
        }

        return problems.Count == 0 ? tables : throw MaskRules.Refusal(_path, problems, Dropped);
    }

    /// <summary>Makes the foreign keys again, which looks through every row.</summary>
    private static async Task TieAsync(NpgsqlConnection session, IReadOnlyList<MaskForeignKey> keys, CancellationToken cancellationToken)
    {
        foreach (var key in keys)
        {
            var name = Quote.Identifier(key.Name);
            try
            {
                await session.ExecuteAsync($"ALTER TABLE {key.Table} ADD CONSTRAINT {name} {key.Definition}", cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ForeignKeyViolation)
            {
                // The detail quotes a value.
                throw new PgOpsException(
                    PgErrorCode.RestoreFailed,
                    $"The masks cut the foreign key {key.Name} of {key.Table}: rows refer to nothing.",
                    Dropped,
                    "Give the referenced column hash, email, name or phone, "
                        + "which go to both sides, or mask the referring one with null or shuffle.");
            }

            if (key.Comment is not null)
            {
                await session.ExecuteAsync(
                    $"COMMENT ON CONSTRAINT {name} ON {key.Table} IS {Quote.Literal(key.Comment)}",
                    cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private PgCheck Check()
    {
        const string name = PgCheckName.Masked;
        var kept = Masked.Where(column => column is { Rule: "expression", KeptValues: > 0 }).ToList();
        var shuffled = Masked.Where(column => column.Rule == "shuffle").ToList();
        var tables = PgAmount.Of(Masked.Select(column => column.Table).Distinct().Count(), "table");
        var detail = $"{PgAmount.Of(Masked.Count, "column")} in {tables}, after the comparison with the manifest; "
            + (_seeded ? "the seed makes the same masks again" : "without a seed, so no other run makes these masks")
            + (shuffled.Count == 0 ? "" : $"; shuffled, so the values are still there: {string.Join(", ", shuffled.Select(Show))}");
        return kept.Count == 0
            ? PgCheck.Pass(name, detail)
            : PgCheck.Fail(name, $"{detail}; expressions left original values: "
                + string.Join(", ", kept.Select(column => $"{Show(column)} ({PgAmount.Of(column.KeptValues, "row")})")));
    }

    private static string Show(PgMaskedColumn column) => $"{column.Table}.{SqlName.Show(column.Column)}";

    private async Task<PgCheck> UnmaskedAsync(CancellationToken cancellationToken)
    {
        const string name = PgCheckName.PersonalData;
        var session = await MaskSession.OpenAsync(_target, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var found =
                (await PersonalData.FindAsync(session, _catalog!, _plan!.Decided, cancellationToken).ConfigureAwait(false)).ToList();
            var objects = await session.ScalarAsync<long>(
                "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata", cancellationToken).ConfigureAwait(false);
            if (objects > 0)
            {
                found.Add($"{PgAmount.Of(objects, "large object")}, which no rule masks");
            }

            return found.Count == 0
                ? PgCheck.Pass(name, "no column without a rule looks like it, by name or by a sample of its content")
                : PgCheck.Fail(name, "without a rule, and looks like personal data: " + string.Join(", ", found));
        }
    }
}
