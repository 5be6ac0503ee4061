namespace PgOps;

/// <summary>
/// The names of the checks, stable between versions. User checks are named <c>check: …</c>, masks and findings by what they look at.
/// </summary>
public static class PgCheckName
{
    /// <summary>The files that are there are those that were written.</summary>
    public const string Files = "files";

    /// <summary>Every file is what its hash says.</summary>
    public const string Hashes = "hashes";

    /// <summary>The manifest can be read and fits the files.</summary>
    public const string Manifest = "manifest";

    /// <summary>The archive's own table of contents.</summary>
    public const string TableOfContents = "table-of-contents";

    /// <summary>Everything unpacks.</summary>
    public const string Decompression = "decompression";

    /// <summary>Who signed.</summary>
    public const string Signature = "signature";

    /// <summary>The server drilled on.</summary>
    public const string Sandbox = "sandbox";

    /// <summary>The server.</summary>
    public const string Server = "server";

    /// <summary>The roles that owners and grants need.</summary>
    public const string Roles = "roles";

    /// <summary>The server's collation version.</summary>
    public const string Collation = "collation";

    /// <summary>pg_restore, or the script.</summary>
    public const string Restore = "restore";

    /// <summary>Which tables there are.</summary>
    public const string Tables = "tables";

    /// <summary>How many rows each holds.</summary>
    public const string RowCounts = "row-counts";

    /// <summary>Every table's content hash.</summary>
    public const string Content = "content";

    /// <summary>Sequences' positions.</summary>
    public const string Sequences = "sequences";

    /// <summary>Where the database stands in its migrations.</summary>
    public const string MigrationState = "migration-state";

    /// <summary>Indexes are valid.</summary>
    public const string Indexes = "indexes";

    /// <summary>Constraints are there.</summary>
    public const string Constraints = "constraints";

    /// <summary>Owners and grants.</summary>
    public const string Privileges = "privileges";

    /// <summary>ANALYZE.</summary>
    public const string Statistics = "statistics";

    /// <summary>The indexes' structure.</summary>
    public const string Amcheck = "amcheck";

    /// <summary>The pending migrations on the copy.</summary>
    public const string Rehearsal = "rehearsal";

    /// <summary>The time to recover against its limit.</summary>
    public const string RecoveryTime = "recovery-time";

    /// <summary>The data's age against its limit.</summary>
    public const string DataAge = "data-age";

    /// <summary>The connect.</summary>
    public const string Connect = "connect";

    /// <summary>The session.</summary>
    public const string Session = "session";

    /// <summary>The version.</summary>
    public const string Version = "version";

    /// <summary>The writable.</summary>
    public const string Writable = "writable";

    /// <summary>The query.</summary>
    public const string Query = "query";

    /// <summary>The tool.</summary>
    public const string Tool = "tool";

    /// <summary>The extensions.</summary>
    public const string Extensions = "extensions";

    /// <summary>The space.</summary>
    public const string Space = "space";

    /// <summary>The locale.</summary>
    public const string Locale = "locale";

    /// <summary>The tablespaces.</summary>
    public const string Tablespaces = "tablespaces";

    /// <summary>The settings.</summary>
    public const string Settings = "settings";

    /// <summary>The rows.</summary>
    public const string Rows = "rows";

    /// <summary>The selection.</summary>
    public const string Selection = "selection";

    /// <summary>The checks.</summary>
    public const string Checks = "checks";

    /// <summary>The switch itself.</summary>
    public const string Switch = "switch";
}
