using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// Masks one table in one transaction: hashes of the originals, the UPDATE, and the new values held against those hashes.
/// </summary>
internal sealed class MaskTable
{
    private const string FiringQuery = """
        WITH RECURSIVE family(oid) AS (
            SELECT $1::bigint::pg_catalog.oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON f.oid = i.inhparent)
        SELECT pg_catalog.format('ALTER TABLE ONLY %I.%I', n.nspname, c.relname), pg_catalog.format('%s %I', x.kind, x.name), x.state
        FROM (SELECT tgrelid, 'TRIGGER', tgname, tgenabled::text FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
              UNION ALL
              SELECT ev_class, 'RULE', rulename, ev_enabled::text FROM pg_catalog.pg_rewrite WHERE ev_type = '2' AND ev_enabled <> 'D'
             ) AS x(relation, kind, name, state)
        JOIN family f ON f.oid = x.relation
        JOIN pg_catalog.pg_class c ON c.oid = x.relation
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        """;

    private readonly IReadOnlyList<MaskStep> _steps;
    private readonly IReadOnlyList<MaskColumn> _table;
    private readonly long _salt = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    internal MaskTable(IEnumerable<MaskStep> steps, MaskCatalog catalog)
    {
        _steps = [.. steps];
        _table = [.. catalog.Columns.Where(column => column.TableOid == _steps[0].Column.TableOid)];
    }

    private MaskColumn First => _steps[0].Column;

    /// <summary>Lets the server plan each column's statement and run none: what is wrong with expressions and fixed values.</summary>
    /// <param name="session">A session that holds the keys, outside of a failed transaction.</param>
    /// <param name="problems">Receives a sentence for each.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task ProbeAsync(NpgsqlConnection session, List<string> problems, CancellationToken cancellationToken)
    {
        foreach (var step in _steps.Where(step => !MaskLimits.Problems(step).Any()))
        {
            await session.ExecuteAsync("SAVEPOINT probe", cancellationToken).ConfigureAwait(false);
            try
            {
                await session.ExecuteAsync($"EXPLAIN {MaskStatement.Update([step], _table)}", cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
            {
                problems.Add($"{step.Column}: {step.Rule.Word}: {error.SqlState} {error.MessageText}");
            }

            await session.ExecuteAsync("ROLLBACK TO probe", cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Masks.</summary>
    /// <param name="session">A session of <see cref="MaskSession"/>.</param>
    /// <param name="key">The run's key.</param>
    /// <param name="cancellationToken">Rolls back.</param>
    /// <returns>One result for each column.</returns>
    /// <exception cref="PgOpsException">RestoreFailed: the server refused; RestoreMismatch: original values are left.</exception>
    internal async Task<IReadOnlyList<PgMaskedColumn>> RunAsync(NpgsqlConnection session, MaskKey key, CancellationToken cancellationToken)
    {
        var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            try
            {
                await key.SendAsync(session, cancellationToken).ConfigureAwait(false);
                var firing = await SilenceAsync(session, cancellationToken).ConfigureAwait(false);
                await RememberAsync(session, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync(MaskStatement.Update(_steps, _table), cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken).ConfigureAwait(false);
                await RestoreAsync(session, firing, cancellationToken).ConfigureAwait(false);
                var results = await HoldAsync(session, cancellationToken).ConfigureAwait(false);
                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                return results;
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
            {
                // Detail, and the message of a failed cast, may quote an original value: neither goes further.
                var isConstraint = error.SqlState.StartsWith("23", StringComparison.Ordinal);
                throw new PgOpsException(
                    PgErrorCode.RestoreFailed,
                    $"{First.ShownTable} could not be masked "
                        + $"({string.Join(", ", _steps.Select(step => $"{step.Column.Name}: {step.Rule.Word}"))}): "
                        + error.SqlState + (isConstraint ? $" {error.MessageText}" : ""),
                    "The staging database is dropped; nothing was put in place.",
                    isConstraint
                        ? "Give the column that the constraint guards a rule whose values satisfy it."
                        : "The server's log holds the message, which may quote a value. Correct the rule.");
            }
        }
    }

    /// <summary>Switches triggers and rules off, those too that fire in a replica's session.</summary>
    private async Task<IReadOnlyList<(string Alter, string What, string State)>> SilenceAsync(
        NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var firing = await session.QueryAsync(
            FiringQuery, row => (Alter: row.GetString(0), What: row.GetString(1), State: row.GetString(2)), cancellationToken,
            (long)First.TableOid)
            .ConfigureAwait(false);
        foreach (var (alter, what, _) in firing)
        {
            await session.ExecuteAsync($"{alter} DISABLE {what}", cancellationToken).ConfigureAwait(false);
        }

        return firing;
    }

    private static async Task RestoreAsync(
        NpgsqlConnection session, IReadOnlyList<(string Alter, string What, string State)> firing, CancellationToken cancellationToken)
    {
        foreach (var (alter, what, state) in firing)
        {
            var how = state switch { "A" => "ALWAYS ", "R" => "REPLICA ", _ => "" };
            await session.ExecuteAsync($"{alter} ENABLE {how}{what}", cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Keeps salted hashes of the original values, as long as the transaction lasts.</summary>
    private async Task RememberAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync("SET LOCAL work_mem = '256MB'", cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < _steps.Count; i++)
        {
            if (NeedsOriginals(_steps[i]))
            {
                await session.ExecuteAsync(
                    $"CREATE TEMPORARY TABLE {Remembered(i)} ON COMMIT DROP AS SELECT DISTINCT {Hash(_steps[i])} "
                        + $"AS h FROM {First.QualifiedTable} WHERE {Text(_steps[i])} <> ''; ANALYZE {Remembered(i)}",
                    cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Counts the rows, and for each column the new values that are among its originals.</summary>
    private async Task<IReadOnlyList<PgMaskedColumn>> HoldAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var counts = string.Join(", ", _steps.Select((step, index) => step.Rule.Kind switch
        {
            MaskKind.Null => $"count({Reference(step)})",
            MaskKind.Fixed => $"count(*) FILTER (WHERE {Text(step)} IS DISTINCT FROM {MaskStatement.Constant(step)}::text)",
            MaskKind.Shuffle => $"count({Reference(step)})",

            // A join, because a list of millions fits no memory. No hash is remembered twice.
            _ => $"(SELECT count(*) FROM {First.QualifiedTable} JOIN pg_temp.{Remembered(index)} o "
                + $"ON o.h = {Hash(step)} WHERE {Text(step)} <> '')",
        }));
        var found = (await session.QueryAsync(
            $"SELECT count(*), {counts} FROM {First.QualifiedTable}",
            row => Enumerable.Range(0, _steps.Count + 1).Select(row.GetInt64).ToList(),
            cancellationToken).ConfigureAwait(false))[0];
        var left = _steps.Zip(found.Skip(1))
            .Where(item => item.Second > 0 && item.First.Rule.Kind is not (MaskKind.Shuffle or MaskKind.Expression)).ToList();
        return left.Count == 0
            ? [.. _steps.Zip(found.Skip(1), (step, kept) => new PgMaskedColumn
            {
                Table = First.ShownTable,
                Column = step.Column.Name,
                Rule = step.Rule.Word,
                Rows = found[0],
                KeptValues = kept,
                Follows = step.Follows?.ToString(),
            })]
            : throw new PgOpsException(
                PgErrorCode.RestoreMismatch,
                "After masking, columns still hold values that they held before:\n  "
                    + string.Join("\n  ", left.Select(
                        item => $"{item.First.Column} ({item.First.Rule.Word}): {PgAmount.Of(item.Second, "row")}")),
                "The staging database is dropped; nothing was put in place.",
                "A mask met another row's original by chance, as happens where these look like masks already: "
                    + "use another -MaskSeed, or hash.");
    }

    private static bool NeedsOriginals(MaskStep step) => step.Rule.IsFunction || step.Rule.Kind == MaskKind.Expression;

    private static string Remembered(int index) => string.Create(CultureInfo.InvariantCulture, $"pgops_mask_original_{index}");

    private static string Reference(MaskStep step) => MaskStatement.Reference(step.Column);

    private static string Text(MaskStep step) => $"{Reference(step)}::text";

    private string Hash(MaskStep step)
        => string.Create(CultureInfo.InvariantCulture, $"pg_catalog.hashtextextended({Text(step)} COLLATE pg_catalog.\"C\", {_salt})");
}
