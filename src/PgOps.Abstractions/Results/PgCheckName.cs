namespace PgOps;

/// <summary>
/// The names of the checks, stable between versions. User checks are named <c>check: …</c>, masks and findings by what they look at.
/// </summary>
public static class PgCheckName
{
    /// <summary>A backup has exactly the files that its list of hashes names; a foreign dump is there and can be read.</summary>
    public const string Files = "files";

    /// <summary>Every file has the content that its hash says.</summary>
    public const string Hashes = "hashes";

    /// <summary>The manifest can be read and fits the files.</summary>
    public const string Manifest = "manifest";

    /// <summary>The archive's own table of contents can be read, or a script has its beginning and its end.</summary>
    public const string TableOfContents = "table-of-contents";

    /// <summary>All that the archive holds unpacks.</summary>
    public const string Decompression = "decompression";

    /// <summary>A backup is signed, and with a key that is accepted.</summary>
    public const string Signature = "signature";

    /// <summary>In a report: the backup is complete.</summary>
    public const string Complete = "complete";

    /// <summary>In a report: a drill has proven the backup.</summary>
    public const string Proven = "proven";

    /// <summary>There is a server to drill on: a sandbox, or the one that was given.</summary>
    public const string Sandbox = "sandbox";

    /// <summary>The server is not older than the backup's.</summary>
    public const string Server = "server";

    /// <summary>pg_restore or psql is here, and new enough for the backup.</summary>
    public const string Tool = "tool";

    /// <summary>The roles that owners and grants need are there, or were created.</summary>
    public const string Roles = "roles";

    /// <summary>The server offers the extensions that the backup needs.</summary>
    public const string Extensions = "extensions";

    /// <summary>The tablespaces that the backup needs are there.</summary>
    public const string Tablespaces = "tablespaces";

    /// <summary>The database fits on the server's disk.</summary>
    public const string Space = "space";

    /// <summary>The copy sorts as the source did: the locale and its version are the source's.</summary>
    public const string Collation = "collation";

    /// <summary>pg_restore or psql came to its end without an error.</summary>
    public const string Restore = "restore";

    /// <summary>Jobs that the backup holds (pg_cron) and a restore leaves out, for a copy must not run them.</summary>
    public const string Jobs = "jobs";

    /// <summary>Which part of the backup was restored, where it is not all of it.</summary>
    public const string Selection = "selection";

    /// <summary>The server accepts the database's own settings.</summary>
    public const string Settings = "settings";

    /// <summary>The databases themselves have the same connection limit, comment, grants and settings.</summary>
    public const string Properties = "properties";

    /// <summary>ANALYZE came to its end.</summary>
    public const string Statistics = "statistics";

    /// <summary>The same tables are there.</summary>
    public const string Tables = "tables";

    /// <summary>Every table holds as many rows.</summary>
    public const string RowCounts = "row-counts";

    /// <summary>Every table's content has the same hash.</summary>
    public const string Content = "content";

    /// <summary>Every stored generated column's content, which a restore computes anew, has the same hash.</summary>
    public const string GeneratedColumns = "generated-columns";

    /// <summary>What populated materialized views hold, which a restore computes anew, is the same.</summary>
    public const string MaterializedViews = "materialized-views";

    /// <summary>Which rows differ, in the tables whose content does.</summary>
    public const string Rows = "rows";

    /// <summary>Sequences stand at the same positions.</summary>
    public const string Sequences = "sequences";

    /// <summary>The database stands at the same version of its migrations.</summary>
    public const string MigrationState = "migration-state";

    /// <summary>Schemas, columns, types and all other objects without a check of their own are defined alike.</summary>
    public const string Objects = "objects";

    /// <summary>Views, materialized views and rules are defined alike.</summary>
    public const string Views = "views";

    /// <summary>Functions and aggregates are defined alike.</summary>
    public const string Functions = "functions";

    /// <summary>Indexes are defined alike, and valid.</summary>
    public const string Indexes = "indexes";

    /// <summary>Constraints are defined alike, and validated.</summary>
    public const string Constraints = "constraints";

    /// <summary>Triggers and event triggers are defined alike.</summary>
    public const string Triggers = "triggers";

    /// <summary>Policies and the settings of row-level security are alike.</summary>
    public const string Policies = "policies";

    /// <summary>Owners and grants are alike; of a target: the role has the rights that migrations need.</summary>
    public const string Privileges = "privileges";

    /// <summary>The columns with a rule were masked, and no expression left original values.</summary>
    public const string Masked = "masked";

    /// <summary>Original values are left neither in the copy's files nor in the planner's statistics.</summary>
    public const string MaskTraces = "mask-traces";

    /// <summary>No column without a rule looks like personal data.</summary>
    public const string PersonalData = "personal-data";

    /// <summary>The B-tree indexes' structure is sound.</summary>
    public const string Amcheck = "amcheck";

    /// <summary>The user's own checks pass. In JUnit's report also what stands for a result without checks.</summary>
    public const string Checks = "checks";

    /// <summary>The pending migrations run on the copy.</summary>
    public const string Rehearsal = "rehearsal";

    /// <summary>The time to recover is within its limit.</summary>
    public const string RecoveryTime = "recovery-time";

    /// <summary>The data's age is within its limit.</summary>
    public const string DataAge = "data-age";

    /// <summary>The role can connect to the database.</summary>
    public const string Connect = "connect";

    /// <summary>The server answers questions about itself.</summary>
    public const string Query = "query";

    /// <summary>The server is of a version that PgOps works with.</summary>
    public const string Version = "version";

    /// <summary>The session is the server's own: no transaction pooler stands in between.</summary>
    public const string Session = "session";

    /// <summary>The server is a primary, not a standby.</summary>
    public const string Writable = "writable";

    /// <summary>The databases have taken their new names.</summary>
    public const string Switch = "switch";

    /// <summary>The old and the new database have the same locale.</summary>
    public const string Locale = "locale";

    /// <summary>In a report of migrations: none was pending.</summary>
    public const string UpToDate = "up-to-date";

    /// <summary>In a report of migrations: those that are still pending.</summary>
    public const string Pending = "pending";

    /// <summary>In JUnit's report: a result that failed although none of its checks did.</summary>
    public const string Passed = "passed";
}
