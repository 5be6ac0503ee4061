namespace PgOps;

/// <summary>Shape of a backup's payload.</summary>
public enum PgBackupFormat
{
    /// <summary>pg_dump's directory format, written and restored in parallel.</summary>
    Directory,

    /// <summary>pg_dump's custom format: one file.</summary>
    Custom,

    /// <summary>
    /// A script for psql, compressed by gzip: one file, data.sql.gz, that any tool can read and no part can be picked from.
    /// </summary>
    Plain,
}
