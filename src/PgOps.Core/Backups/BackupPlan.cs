using System.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Backups;

/// <summary>What the step "plan" hands on: what is known, and settled, before anything is written.</summary>
/// <param name="Request">What is asked for.</param>
/// <param name="Id">The backup's id.</param>
/// <param name="Target">The database, under the backup's own application name.</param>
/// <param name="Database">Its name.</param>
/// <param name="Tools">The programs.</param>
/// <param name="Compression">pg_dump's <c>--compress</c>.</param>
/// <param name="Depth">How deep the fingerprint goes.</param>
internal sealed record BackupPlan(
    BackupDatabaseRequest Request,
    string Id,
    PgTarget Target,
    string Database,
    DumpTools Tools,
    string Compression,
    PgFingerprintDepth Depth)
{
    private const int MostDefaultJobs = 4;

    /// <summary>Encrypts what is written; null when nobody asked for that.</summary>
    internal Encryptor? Encryptor { get; init; }

    /// <summary>The tables in the snapshot.</summary>
    internal required DumpedTables Listed { get; init; }

    /// <summary>What the selection's names stand for.</summary>
    internal required SelectedObjects Selected { get; init; }

    /// <summary>pg_dump's arguments for the part to dump.</summary>
    internal IReadOnlyList<string> SelectionArguments => Request.Selection.Arguments(Tools.Dump.Major, Selected.Arguments);

    /// <summary>What the backup leaves out.</summary>
    internal required IReadOnlyList<string> LeftOut { get; init; }

    /// <summary>The server.</summary>
    internal required PgServerFacts Server { get; init; }

    /// <summary>The database.</summary>
    internal required PgDatabaseFacts Facts { get; init; }

    /// <summary>Where the database stands in its migrations.</summary>
    internal required PgMigrationMark? Migration { get; init; }

    /// <summary>The database for pg_dumpall, which does not take off by itself what a role sets against its sessions.</summary>
    internal required PgTarget GlobalsTarget { get; init; }

    /// <summary>The encoding of the names that pg_dump and pg_restore write.</summary>
    internal Encoding NameEncoding => ServerEncoding.Of(Facts.Encoding);

    /// <summary>Workers.</summary>
    internal int Jobs => Request.Format != PgBackupFormat.Directory
        ? 1
        : Math.Max(1, Request.Jobs ?? Math.Min(Environment.ProcessorCount, MostDefaultJobs));
}
