using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// The statements of a switch. They are sent in one message and are one transaction: the server makes all of them or none, and needs no
/// word from PgOps in between. The first rename holds new connections off from the moment it begins (they wait on its lock), and the
/// lock goes with the transaction: nothing that dies can leave a database closed.
/// </summary>
/// <param name="Properties">What can be tried beforehand: properties of both databases, by their names before the switch.</param>
/// <param name="Renames">The renames, and the proof that they met the right databases.</param>
internal sealed record SwitchScript(IReadOnlyList<string> Properties, IReadOnlyList<string> Renames)
{
    /// <summary>Writes the script.</summary>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="old">The database that gives way.</param>
    /// <param name="prepared">The database that takes its name.</param>
    /// <param name="aside">The name that the old one gets.</param>
    /// <param name="carry">Whether the prepared one gets the old one's properties.</param>
    /// <param name="undo">Whether this undoes a switch.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<SwitchScript> WriteAsync(
        NpgsqlConnection session,
        SwitchSide old,
        SwitchSide prepared,
        string aside,
        bool carry,
        bool undo,
        CancellationToken cancellationToken)
    {
        var properties = new List<string>();
        var database = Quote.Identifier(prepared.Name);
        if (carry)
        {
            properties.AddRange(Settings(old, prepared));
            properties.AddRange(
                await DatabaseGrants.StatementsAsync(session, old.Name, prepared.Name, cancellationToken).ConfigureAwait(false));
            properties.Add(string.Create(
                CultureInfo.InvariantCulture, $"ALTER DATABASE {database} CONNECTION LIMIT {old.Properties.ConnectionLimit}"));
            properties.Add(Comment(prepared.Name, old.Comment));
            if (old.Properties.Facts.Owner != prepared.Properties.Facts.Owner)
            {
                properties.Add($"ALTER DATABASE {database} OWNER TO {Quote.Identifier(old.Properties.Facts.Owner)}");
            }
        }
        else if (prepared.Mark is { } mark)
        {
            properties.Add($"ALTER DATABASE {database} "
                + (mark.ReadOnly is null ? $"RESET {SwitchMark.Setting}" : $"SET {SwitchMark.Setting} = {Quote.Literal(mark.ReadOnly)}"));
            properties.Add(Comment(prepared.Name, prepared.Comment));
        }

        var left = new SwitchMark(old.Name, prepared.Name, prepared.Oid, DateTime.UtcNow, old.ReadOnly, undo);
        properties.Add($"ALTER DATABASE {Quote.Identifier(old.Name)} SET {SwitchMark.Setting} = on");
        properties.Add(Comment(old.Name, left.Write(old.Comment)));
        return new SwitchScript(
            properties,
            [
                $"ALTER DATABASE {Quote.Identifier(old.Name)} RENAME TO {Quote.Identifier(aside)}",
                $"ALTER DATABASE {database} RENAME TO {Quote.Identifier(old.Name)}",
                Proof(old.Oid, aside),
                Proof(prepared.Oid, old.Name),
            ]);
    }

    /// <summary>Tries what can be tried without harm: the properties, in a transaction that is rolled back.</summary>
    /// <exception cref="PgOpsException">PermissionDenied or StatementFailed, with the statement that the server refuses.</exception>
    internal async Task TryAsync(NpgsqlConnection session, PgTarget target, CancellationToken cancellationToken)
    {
        var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            foreach (var statement in Properties)
            {
                try
                {
                    await session.ExecuteAsync(statement, cancellationToken).ConfigureAwait(false);
                }
                catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
                {
                    throw new PgOpsException(
                        error.SqlState == PostgresErrorCodes.InsufficientPrivilege
                            ? PgErrorCode.PermissionDenied
                            : PgErrorCode.StatementFailed,
                        $"{target} cannot be switched: the server refuses \"{statement}\": {error.SqlState} {error.MessageText}",
                        "Nothing was touched.",
                        "Work as a superuser or as a member of the owner with CREATEDB; or use -KeepProperties, which leaves the prepared "
                            + "database its own settings, grants and owner.",
                        error)
                    { Subject = target };
                }
            }
        }
    }

    /// <summary>Runs it; the one message has everything.</summary>
    internal async Task RunAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(session);
        await using (batch.ConfigureAwait(false))
        {
            foreach (var statement in Properties.Concat(Renames))
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            }

            try
            {
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidOperationException error) when (IsBroken(error))
            {
                throw AsLost(error);
            }
        }
    }

    /// <summary>Whether this is what the driver says of a connection that it has already seen broken.</summary>
    internal static bool IsBroken(Exception error) => error is InvalidOperationException { Source: "Npgsql" };

    /// <summary>The same error as that of a lost connection.</summary>
    internal static Exception AsLost(Exception error)
        => IsBroken(error) ? new NpgsqlException(error.Message, new IOException(error.Message, error)) : error;

    private static IEnumerable<string> Settings(SwitchSide old, SwitchSide prepared)
    {
        var database = Quote.Identifier(prepared.Name);
        foreach (var role in prepared.Properties.Settings.Select(one => one.Role).Distinct())
        {
            var whose = role is null ? "" : $"ROLE {Quote.Identifier(role)} IN ";
            yield return $"ALTER {whose}DATABASE {database} RESET ALL";
        }

        foreach (var (setting, role) in old.Properties.Settings)
        {
            yield return DatabaseSettings.Statement(prepared.Name, setting, role);
        }
    }

    private static string Comment(string database, string? comment)
        => $"COMMENT ON DATABASE {Quote.Identifier(database)} IS {(comment is null ? "NULL" : Quote.Literal(comment))}";

    // Fails with 22012, and everything with it, when somebody else has renamed a database in the meantime.
    private static string Proof(uint oid, string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"SELECT 1 / count(*) FROM pg_catalog.pg_database WHERE oid = {oid} AND datname = {Quote.Literal(name)}");
}
