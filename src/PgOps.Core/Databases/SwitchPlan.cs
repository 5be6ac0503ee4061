using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>What a switch will do: every guard has been asked.</summary>
/// <param name="Old">The database that gives way.</param>
/// <param name="Prepared">The database that takes its name.</param>
/// <param name="Aside">The name that the old one gets.</param>
/// <param name="Undo">Whether this undoes a switch.</param>
/// <param name="Carry">Whether the prepared database gets the old one's properties.</param>
/// <param name="Checks">What was looked at.</param>
internal sealed record SwitchPlan(
    SwitchSide Old, SwitchSide Prepared, string Aside, bool Undo, bool Carry, IReadOnlyList<PgCheck> Checks)
{
    internal const string Untouched = "Nothing was touched.";

    /// <summary>The switch that an earlier run has already made; null when there is something to do.</summary>
    internal PgDatabaseSwitch? Done { get; private init; }

    /// <summary>What stands in the way; null when nothing does.</summary>
    internal PgOpsException? Refusal(PgTarget target)
    {
        var failed = Checks.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        return failed.Count == 0 ? null : new PgOpsException(
            PgErrorCode.DatabaseInUse,
            $"{target} cannot be switched:\n  " + string.Join("\n  ", failed.Select(check => $"{check.Name}: {check.Detail}")),
            Untouched,
            "Clear these away, then run the command again.")
        { Subject = target };
    }

    /// <summary>Looks at the server. Touches nothing.</summary>
    /// <exception cref="PgOpsException">A guard refused; what stands in the way of the renames is in the checks.</exception>
    internal static async Task<SwitchPlan> MakeAsync(
        SwitchDatabaseRequest request, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        RefuseName(request);
        await SessionFitness.RequireAsync(session, request.Maintenance, "a switch", cancellationToken).ConfigureAwait(false);
        var target = request.Target;
        var old = await SwitchSide.ReadAsync(session, target.Database, cancellationToken).ConfigureAwait(false)
            ?? throw Missing(
                target,
                "Give the database that clients use now. Where there is none, rename the prepared one: ALTER DATABASE … RENAME TO …");
        var marked = await SwitchMark.FindAsync(session, old.Name, cancellationToken).ConfigureAwait(false);
        if (AlreadyDone(request, old, marked) is { } done && await OidOfAsync(request.With).ConfigureAwait(false) is null)
        {
            return new SwitchPlan(old, old, done.ReplacedDatabase, done.Undone, false, []) { Done = done };
        }

        var name = request.With ?? Previous(target, old, marked);
        var prepared = await SwitchSide.ReadAsync(session, name, cancellationToken).ConfigureAwait(false)
            ?? throw Missing(target.WithDatabase(name), "Restore or build it first, for example with Restore-PgDatabase -Database.");
        RequireOurs(target, old, prepared);
        await RequireFilledAsync(request, session, old, prepared, cancellationToken).ConfigureAwait(false);
        var returns = prepared.Mark?.Was == old.Name;
        var checks = await SwitchObstacles.FindAsync(session, old.Name, name, cancellationToken).ConfigureAwait(false);
        var aside = await FreeNameAsync(session, old.Name, cancellationToken).ConfigureAwait(false);
        return new SwitchPlan(
            old, prepared, aside, request.With is null, !returns && !request.KeepProperties,
            [.. checks, Locale(old, prepared)]);

        async Task<uint?> OidOfAsync(string? with)
            => with is null ? null : await DatabaseOccupancy.OidAsync(session, with, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The plan in words, then each session that would be ended.</summary>
    internal IReadOnlyList<string> Describe(SwitchDatabaseRequest request, IReadOnlyList<PgDatabaseSession> sessions)
    {
        if (Done is not null)
        {
            return [$"Nothing: {request.Target} was already switched, and the old database is kept as {Done.ReplacedDatabase}."];
        }

        var what = Carry ? "which gets its settings, grants, owner, connection limit and comment" : "which keeps its own properties";
        var undo = Undo ? "; what was written since the switch stays in the database that is put aside" : "";
        return
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"Put {Prepared.Name} ({PgSize.Format(Prepared.Properties.Facts.Bytes)}) in the place of {request.Target} ")
                + $"({PgSize.Format(Old.Properties.Facts.Bytes)}), {what}; keep the old one read-only as {Aside}{undo}",
            string.Create(
                CultureInfo.InvariantCulture,
                $"Wait up to {request.GracePeriod.TotalSeconds:0.#} s for transactions that run, "
                    + $"then end {PgAmount.Of(sessions.Count, "session")} of others"),
            .. sessions.Select(session => $"End in {session.Database}: {session}"),
        ];
    }

    /// <summary>A dated name that no database has: two switches may be made within a second.</summary>
    private static async Task<string> FreeNameAsync(NpgsqlConnection session, string name, CancellationToken cancellationToken)
    {
        for (var at = DateTime.UtcNow; ; at = at.AddSeconds(1))
        {
            var dated = DatabaseNames.Replaced(name, at);
            if (await DatabaseOccupancy.OidAsync(session, dated, cancellationToken).ConfigureAwait(false) is null)
            {
                return dated;
            }
        }
    }

    private static PgDatabaseSwitch? AlreadyDone(
        SwitchDatabaseRequest request, SwitchSide old, IReadOnlyList<(string Name, SwitchMark Mark)> marked)
    {
        // A run that was killed after the commit, or never heard of it, has left its mark.
        if (marked is not [var (name, mark), ..] || mark.By != old.Oid || mark.Undo != (request.With is null)
            || (request.With is not null && request.With != mark.With))
        {
            return null;
        }

        return new PgDatabaseSwitch
        {
            Target = request.Target,
            With = mark.With,
            ReplacedDatabase = name,
            Undone = mark.Undo,
            AlreadyInPlace = true,
            Checks = [PgCheck.Pass(PgCheckName.Switch, "an earlier run had done it all")],
        };
    }

    private static string Previous(PgTarget target, SwitchSide old, IReadOnlyList<(string Name, SwitchMark Mark)> marked)
    {
        var switches = marked.Where(one => !one.Mark.Undo).ToList();
        var previous = switches.Where(one => one.Mark.By == old.Oid).Select(one => one.Name).FirstOrDefault();
        return previous ?? throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            switches.Count == 0
                ? $"There is no switch of {target} to undo: no database of this server is marked as put aside from it."
                : $"{target} is not the database that a switch has put there.",
            Untouched,
            switches.Count == 0
                ? "A database that a restore has put aside goes back with -With <name>."
                : $"To put an older one in its place, name it: -With {switches[0].Name}")
        { Subject = target };
    }

    private static void RefuseName(SwitchDatabaseRequest request)
    {
        var problem = request.Target.Database == request.With ? "A database cannot be switched with itself."
            : new[] { request.Target.Database, request.With }.FirstOrDefault(IsServers) is { } name
                ? $"\"{name}\" is a database that the switch works from, or one of the server itself."
            : request.With is { } with && DatabaseNames.IsStaging(with) ? $"\"{with}\" is what a restore or a reset works on or has left."
            : null;
        if (problem is not null)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                problem,
                Untouched,
                "Give the application's database and the prepared one. "
                    + "Where the application's is \"postgres\", work from another with -MaintenanceDatabase.")
            { Subject = request.Target };
        }

        bool IsServers(string? name) => name is "template0" or "template1" || name == request.MaintenanceDatabase;
    }

    private static void RequireOurs(PgTarget target, SwitchSide old, SwitchSide prepared)
    {
        var foreign = new[] { old, prepared }.Where(side => !side.Properties.IsOurs).ToList();
        if (foreign.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"The role \"{target.Username}\" may not rename "
                    + string.Join(", ", foreign.Select(side => $"{side.Name} (owner \"{side.Properties.Facts.Owner}\")"))
                    + ": that takes CREATEDB and the rights of the owner.",
                Untouched,
                "Work as the owner or a member of it, "
                    + "and let a superuser (of a managed server: its master user) run: ALTER ROLE … CREATEDB.")
            { Subject = target };
        }
    }

    private static async Task RequireFilledAsync(
        SwitchDatabaseRequest request, NpgsqlConnection session, SwitchSide old, SwitchSide prepared, CancellationToken cancellationToken)
    {
        if (request.Force || prepared.Properties.Facts.Bytes >= old.Properties.Facts.Bytes)
        {
            return;
        }

        try
        {
            var there = request.Target.WithDatabase(prepared.Name);
            var content = await DatabaseOccupancy.ReadAsync(session, there, cancellationToken).ConfigureAwait(false);
            if (content is { IsEmpty: true })
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    $"{prepared.Name} is empty, and {request.Target} "
                        + $"({PgSize.Format(old.Properties.Facts.Bytes)}) is not to be replaced by nothing.",
                    Untouched,
                    "Fill it first; or use -Force if it is meant to be empty.")
                { Subject = request.Target };
            }
        }
        catch (PgOpsException error)
            when (error.InnerException is PostgresException { SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState })
        {
            // Closed to connections: the checks say so.
        }
    }

    private static PgCheck Locale(SwitchSide old, SwitchSide prepared)
    {
        var (was, will) = (Describe(old), Describe(prepared));
        return was == will
            ? PgCheck.Pass(PgCheckName.Locale, $"{was}, in both")
            : PgCheck.Skip(
                PgCheckName.Locale, $"differs: {was} in the old database, {will} in the new one; sorting and letter case may differ");

        static string Describe(SwitchSide side) => $"{side.Properties.Facts.Encoding} {StagingLocale.Describe(side.Properties.Facts)}";
    }

    private static PgOpsException Missing(PgTarget target, string wayOut) => new(
        PgErrorCode.ConnectionFailed, $"There is no database {target}.", Untouched, wayOut)
    { Subject = target };
}
