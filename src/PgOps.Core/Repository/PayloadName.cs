namespace PgOps.Core.Repository;

/// <summary>What a payload is called in its folder and in the manifest.</summary>
internal static class PayloadName
{
    /// <summary>The manifest's word for a format.</summary>
    internal static string FormatOf(PgBackupFormat format) => format switch
    {
        PgBackupFormat.Custom => "custom",
        PgBackupFormat.Plain => "plain.gz",
        _ => "directory",
    };

    /// <summary>The file or folder in the backup's folder.</summary>
    internal static string PathOf(PgBackupFormat format) => format switch
    {
        PgBackupFormat.Custom => "data.dump",
        PgBackupFormat.Plain => "data.sql.gz",
        _ => "data",
    };
}
