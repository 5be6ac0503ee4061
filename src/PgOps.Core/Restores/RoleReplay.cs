using System.Globalization;
using System.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// Tells an archive's owners, grants, default privileges, policies and user mappings with other roles (-MapRole). pg_restore has made
/// the rest before, without them; here it writes them as SQL, the roles are replaced where they stand, and psql runs them.
/// </summary>
internal static class RoleReplay
{
    private const int MostLinesQuoted = 24;

    /// <summary>Runs it.</summary>
    /// <param name="backup">The backup; its manifest must be there.</param>
    /// <param name="target">The database, restored without owners and grants.</param>
    /// <param name="options">How; the archive must be opened and edited.</param>
    /// <param name="cancellationToken">Ends the programs.</param>
    /// <returns>How many statements were run.</returns>
    /// <exception cref="PgOpsException">RestoreFailed, quoting what psql said.</exception>
    internal static async Task<int> RunAsync(
        PgBackup backup, PgTarget target, ArchiveRestoreOptions options, CancellationToken cancellationToken)
    {
        var encoding = ArchiveScript.EncodingOf(backup.Manifest!.Facts);
        var psql = Psql(options.Tool);
        List<string> leftOut = [];
        leftOut.AddRange(options.NoOwner ? ["--no-owner"] : []);
        leftOut.AddRange(options.NoPrivileges ? ["--no-privileges"] : []);
        var script = new StringBuilder("SET search_path = '';\n");
        var count = 0;
        foreach (var statement in await ReadAsync(options.Edit!.Deferred).ConfigureAwait(false))
        {
            if (IsFrame(statement) || statement.Keywords is ["CREATE" or "COMMENT", ..])
            {
                Append(statement);
            }
        }

        foreach (var statement in await ReadAsync(options.Edit.Owned).ConfigureAwait(false))
        {
            if (RoleNames.In(statement).Count > 0 || statement.Keywords is ["GRANT" or "REVOKE", ..] or ["RESET", "SESSION", ..]
                or ["ALTER", "DEFAULT", "PRIVILEGES", ..])
            {
                Append(statement);
            }
        }

        var messages = new PsqlMessages();
        using var input = new MemoryStream(encoding.GetBytes(script.ToString()));
        var result = await ToolProcess.RunAsync(
            new ToolCommand(psql.Path, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-")
            { Target = target, Input = input, OnError = messages.Read },
            cancellationToken).ConfigureAwait(false);
        if (result.ExitCode != 0 || messages.Quoted.Count > 0)
        {
            var quoted = messages.Quoted.Count > 0 ? messages.Quoted : [.. result.Errors.TakeLast(MostLinesQuoted)];
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                $"The owners and grants of {backup} could not be given to the mapped roles (psql, exit code "
                    + $"{result.ExitCode.ToString(CultureInfo.InvariantCulture)}):\n"
                    + string.Join('\n', quoted.Select(line => "  " + line)),
                "Nothing was put in place.",
                "Remove the cause, then run the command again; -NoOwner and -NoPrivileges leave them out.")
            { Subject = backup };
        }

        return count;

        Task<IReadOnlyList<SqlStatement>> ReadAsync(IReadOnlyList<int> entries) => ArchiveScript.ReadAsync(
            options.Tool, options.Archive!, entries, encoding, cancellationToken, [.. leftOut]);

        void Append(SqlStatement statement)
        {
            count++;
            script.Append(options.Roles!.Rewrite(statement)).Append(";\n");
        }
    }

    /// <summary>The psql beside a pg_restore.</summary>
    /// <exception cref="PgOpsException">ToolMissing.</exception>
    internal static PostgresTool Psql(PostgresTool pgRestore) => PostgresBinaries.Client("psql", 0, Path.GetDirectoryName(pgRestore.Path));

    /// <summary>Refuses what cannot be told apart: a name outside ASCII in an archive whose encoding is not UTF-8.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static void RefuseUnlessReadable(PgDatabaseFacts facts, IReadOnlyDictionary<string, string> map)
    {
        if (!Equals(ArchiveScript.EncodingOf(facts), Encoding.Latin1)
            || map.All(pair => Ascii.IsValid(pair.Key) && Ascii.IsValid(pair.Value)))
        {
            return;
        }

        throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"The backup's text is {facts.Encoding}, and in it PgOps can only map roles whose names are plain ASCII.",
            "Nothing was restored.",
            "Create the roles (-CreateRoles), or use -NoOwner and -NoPrivileges.");
    }

    private static bool IsFrame(SqlStatement statement)
        => statement.Keywords is ["SET", "CLIENT_ENCODING" or "STANDARD_CONFORMING_STRINGS", ..];
}
