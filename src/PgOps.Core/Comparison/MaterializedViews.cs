using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Comparison;

/// <summary>
/// Reads and compares what materialized views hold. It is in no dump: a restore refreshes them, so that one which was not fresh in the
/// source holds something else in the copy, and rightly so. That is said, and is no fault of the copy.
/// </summary>
internal static class MaterializedViews
{
    // Long enough for a lock held for a moment; a refresh may take hours.
    private const string Begin = "SAVEPOINT pgops_view; SET LOCAL lock_timeout = '2s'";
    private const string GoBack = "ROLLBACK TO SAVEPOINT pgops_view";
    private const string Release = "SET LOCAL lock_timeout = 0; RELEASE SAVEPOINT pgops_view";

    /// <summary>Reads each of them once, inside the session's snapshot. What cannot be read says why.</summary>
    /// <param name="session">The session, inside its transaction.</param>
    /// <param name="progress">Shows what is read; may be null.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="wanted">Says by schema and name which to read; null reads all.</param>
    internal static async Task<IReadOnlyList<PgMaterializedViewFingerprint>> ReadAsync(
        SnapshotSession session, ProgressActivity? progress, CancellationToken cancellationToken, Func<string, string, bool>? wanted = null)
    {
        var read = new List<PgMaterializedViewFingerprint>();
        foreach (var view in await MaterializedView.ListAsync(session.Connection, cancellationToken).ConfigureAwait(false))
        {
            if (wanted?.Invoke(view.Schema, view.Name) == false)
            {
                continue;
            }

            progress?.Report($"{view.Schema}.{view.Name}", read.Count, 0);
            read.Add(await ReadAsync(session.Connection, view, cancellationToken).ConfigureAwait(false));
        }

        return read;
    }

    /// <summary>The check.</summary>
    /// <param name="reference">What should be there; null where nobody has looked.</param>
    /// <param name="difference">What is there; null where nobody has looked.</param>
    /// <param name="depth">How deep both sides were looked at.</param>
    /// <param name="refreshed">Whether a restore has refreshed the views of the other side since.</param>
    internal static PgCheck Check(
        IReadOnlyList<PgMaterializedViewFingerprint>? reference,
        IReadOnlyList<PgMaterializedViewFingerprint>? difference,
        PgFingerprintDepth depth,
        bool refreshed)
    {
        if (depth != PgFingerprintDepth.Source)
        {
            return PgCheck.Skip(PgCheckName.MaterializedViews, ContentComparison.NoHashes);
        }

        if (reference is null || difference is null)
        {
            return reference is { Count: > 0 } || difference is { Count: > 0 } || (reference is null && difference is null)
                ? PgCheck.Skip(PgCheckName.MaterializedViews, "not compared, because the backup's manifest does not say what they held")
                : None();
        }

        // One that is missing is a matter of the check of views.
        var there = difference.ToDictionary(view => (view.Schema, view.Name));
        var pairs = reference.Where(view => there.ContainsKey((view.Schema, view.Name)))
            .Select(view => (Expected: view, Found: there[(view.Schema, view.Name)])).ToList();
        var open = pairs.Where(pair => !AreEqual(pair.Expected, pair.Found)).ToList();
        var silent = open.Select(pair => (pair.Expected, Reason: Reason(pair.Expected, pair.Found))).Where(one => one.Reason is not null)
            .Select(one => $"{one.Expected} ({one.Reason})").ToList();
        var wrong = open.Where(pair => Reason(pair.Expected, pair.Found) is null).Select(Describe).ToList();
        var remark = silent.Count == 0 ? "" : "; not comparable: " + NameList.Of(silent);
        if (wrong.Count > 0 && !(refreshed && open.TrueForAll(pair => pair.Expected.Populated == pair.Found.Populated)))
        {
            return PgCheck.Fail(PgCheckName.MaterializedViews, $"another content than expected: {NameList.Of(wrong)}{remark}");
        }

        if (pairs.Count == 0)
        {
            return None();
        }

        // What a restore has refreshed follows from rows that are compared and from settings that came before them: it is right, also
        // where the source's was not fresh, or depends on the clock.
        var unread = open.Any(pair => (pair.Expected.Unread ?? pair.Found.Unread) is not null);
        return unread || (silent.Count == pairs.Count && !refreshed)
            ? PgCheck.Skip(PgCheckName.MaterializedViews, remark[2..])
            : PgCheck.Pass(
                PgCheckName.MaterializedViews,
                $"the content of {PgAmount.Of(pairs.Count - silent.Count - wrong.Count, "materialized view")} is equal"
                    + (wrong.Count == 0 ? "" : $"; differs: {NameList.Of(wrong)}: the restore refreshed it, and the source had not "
                        + "since its data changed, or its query depends on more than data and settings (REFRESH in the source "
                        + "before the backup tells which)")
                    + remark);
    }

    private static PgCheck None() => PgCheck.Pass(PgCheckName.MaterializedViews, "there is none");

    private static async Task<PgMaterializedViewFingerprint> ReadAsync(
        NpgsqlConnection connection, MaterializedView view, CancellationToken cancellationToken)
    {
        var fingerprint = new PgMaterializedViewFingerprint
        {
            Schema = view.Schema,
            Name = view.Name,
            Populated = view.Populated,
            Outside = view.Outside,
        };
        if (!view.Populated)
        {
            return fingerprint;
        }

        await connection.ExecuteAsync(Begin, cancellationToken).ConfigureAwait(false);
        try
        {
            var sum = new RowHashSum();
            var buffer = new byte[64 * 1024];
            var copy = await NpgsqlInternals.CopyTextAsync(connection, view.CopyStatement, cancellationToken).ConfigureAwait(false);
            await using (copy.ConfigureAwait(false))
            {
                int length;
                while ((length = await copy.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    sum.Append(buffer.AsSpan(0, length));
                }
            }

            sum.Complete();
            fingerprint = fingerprint with { Rows = sum.Rows, Hash = sum.Digest };
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
        {
            // A backup that pg_dump can make is made; what could not be read is named.
            await connection.ExecuteAsync(GoBack, cancellationToken).ConfigureAwait(false);
            fingerprint = fingerprint with
            {
                Unread = error.SqlState == PostgresErrorCodes.LockNotAvailable
                    ? "locked while it was to be read, as a refresh does"
                    : $"it could not be read: {error.SqlState} {error.MessageText}",
            };
        }

        await connection.ExecuteAsync(Release, cancellationToken).ConfigureAwait(false);
        return fingerprint;
    }

    private static bool AreEqual(PgMaterializedViewFingerprint expected, PgMaterializedViewFingerprint found)
        => expected.Populated == found.Populated
            && (!expected.Populated || (expected.Hash is not null && expected.Hash.Equals(found.Hash, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Why two that are not equal cannot be compared; null when they can.</summary>
    private static string? Reason(PgMaterializedViewFingerprint expected, PgMaterializedViewFingerprint found)
        => expected.Populated != found.Populated ? null
            : expected.Unread ?? found.Unread
                ?? ((expected.Outside ?? found.Outside) is { } outside ? $"its query depends on {outside}" : null);

    private static string Describe((PgMaterializedViewFingerprint Expected, PgMaterializedViewFingerprint Found) pair)
        => string.Create(CultureInfo.InvariantCulture, $"{pair.Expected} ({Content(pair.Expected)} expected, {Content(pair.Found)} found)");

    private static string Content(PgMaterializedViewFingerprint view)
        => view.Populated ? PgAmount.Of(view.Rows, "row") : "no data";
}
