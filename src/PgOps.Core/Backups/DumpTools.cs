using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Backups;

/// <summary>The programs a backup needs, none of them older than the server.</summary>
/// <param name="Dump">pg_dump.</param>
/// <param name="Restore">pg_restore, to read the archive back.</param>
/// <param name="DumpAll">pg_dumpall; null when the globals are left out.</param>
internal sealed record DumpTools(PostgresTool Dump, PostgresTool Restore, PostgresTool? DumpAll)
{
    private const int KnowsSystemAuthorities = 16;

    /// <summary>Finds them.</summary>
    /// <exception cref="PgOpsException">ToolMissing or ToolTooOld, with the way out.</exception>
    internal static DumpTools Find(int serverMajor, BackupDatabaseRequest request)
    {
        var dump = PostgresBinaries.Client("pg_dump", serverMajor, request.BinPath);
        if (dump.Major < KnowsSystemAuthorities && TargetCertificates.Encrypts(request.Target)
            && request.Target.SslRootCertificate == TargetCertificates.System)
        {
            throw new PgOpsException(
                PgErrorCode.ToolTooOld,
                $"pg_dump {dump.Version} takes sslrootcert=system for a file's name; {KnowsSystemAuthorities} is the first that knows it.",
                "Nothing was written.",
                "Take client programs of that age (-BinPath); or name the file of the machine's authorities in the target: "
                    + "sslmode=verify-full and, on Debian, sslrootcert=/etc/ssl/certs/ca-certificates.crt.")
            { Subject = request.Target };
        }

        // What one pg_dump writes only a pg_restore of the same age or younger reads.
        var restore = PostgresBinaries.Client("pg_restore", dump.Major, request.BinPath);
        var noGlobals = request.NoGlobals || request.SingleFile;
        return new DumpTools(dump, restore, noGlobals ? null : PostgresBinaries.Client("pg_dumpall", serverMajor, request.BinPath));
    }

    /// <summary>What to say where pg_dump is of an older minor release than the server; null where it is not.</summary>
    internal string? RemarkOn(PgServerFacts server)
        => InternalOptions.WarningOf(Dump.Version, server)
            ?? (Dump.Major == server.VersionNumber / 10000
                && Version.TryParse(Dump.Version, out var version) && version.Minor < server.VersionNumber % 10000
                ? $"pg_dump {Dump.Version} is older than the server, PostgreSQL {server.Version}: "
                    + "what the minor releases between them changed it does not know. Take client programs as new as the server (-BinPath)."
                : null);
}
