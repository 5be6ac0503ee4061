using System.Globalization;

namespace PgOps;

/// <summary>The manifest of a backup, format <c>pgops-backup/1</c>: what the database was at the backup's snapshot.</summary>
public sealed record PgBackupManifest
{
    /// <summary>The format this PgOps writes.</summary>
    public const string CurrentFormat = "pgops-backup/1";

    /// <summary>Always <see cref="CurrentFormat"/>.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>Unique id of the backup.</summary>
    public required string Id { get; init; }

    /// <summary>The database's name.</summary>
    public required string Database { get; init; }

    /// <summary>When the snapshot was taken, in UTC.</summary>
    public required DateTime SnapshotAt { get; init; }

    /// <summary>The server.</summary>
    public required PgServerFacts Server { get; init; }

    /// <summary>The database's own properties.</summary>
    public required PgDatabaseFacts Facts { get; init; }

    /// <summary>What the payload is and which tool wrote it.</summary>
    public required PgPayload Payload { get; init; }

    /// <summary>How deep the fingerprint goes: Source, Archive, Counts or None.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>A short plain name that marks the backup, for example <c>pre-migration</c>; null for none.</summary>
    public string? Label { get; init; }

    /// <summary>Until when the backup is held, in UTC; null when it is not.</summary>
    public DateTime? KeepUntil { get; init; }

    /// <summary>Every table whose rows are in the dump.</summary>
    public IReadOnlyList<PgTableFingerprint> Tables { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// Every materialized view; null where they were not read: in a backup of a part, with counts alone, or by an older PgOps.
    /// </summary>
    public IReadOnlyList<PgMaterializedViewFingerprint>? MaterializedViews { get; init => field = value?.ToArray(); }

    /// <summary>Every sequence with its position.</summary>
    public IReadOnlyList<PgSequencePosition> Sequences { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// The schema objects; null in a backup of a part of a database, and in one that an older PgOps made.
    /// </summary>
    public PgObjectInventory? Objects { get; init; }

    /// <summary>The newest migration in the database's PgOps history; null when it has none.</summary>
    public PgMigrationMark? Migration { get; init; }

    /// <summary>What the dump leaves out on purpose (foreign tables, unlogged data…), one sentence each.</summary>
    public IReadOnlyList<string> LeftOut { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// In a backup of a standby its unlogged tables and sequences, quoted: the dump has their definitions, what they hold only the primary.
    /// </summary>
    public IReadOnlyList<string> Unlogged { get; init => field = (value ?? []).ToArray(); } = [];

    /// <summary>Seconds spent by phase.</summary>
    public IReadOnlyDictionary<string, double> Timings { get; init; } = new Dictionary<string, double>();

    /// <summary>The operating system user who ran the backup.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>The machine it ran on.</summary>
    public string CreatedOn { get; init; } = "";

    /// <summary>The PgOps version that wrote it.</summary>
    public string PgOpsVersion { get; init; } = "";

    /// <summary>
    /// Which part of the database it is a backup of; null for all of it. The one answer to "is it whole?"; two parts are of one kind when
    /// it is the same.
    /// </summary>
    internal string? Part => Payload.Selection.Count == 0 ? null : PgPayload.PartOf(Payload.Selection);

    /// <inheritdoc/>
    public override string ToString()
        => $"{Format}, PostgreSQL {Server.Version}, {PgAmount.Of(Tables.Count, "table")}, "
            + $"{PgAmount.Of(Tables.Sum(table => table.Rows), "row")}";
}

/// <summary>The server a backup was taken from.</summary>
public sealed record PgServerFacts
{
    /// <summary>Full version, for example 15.18.</summary>
    public required string Version { get; init; }

    /// <summary>server_version_num, for example 150018.</summary>
    public required int VersionNumber { get; init; }

    /// <summary>Identity of the cluster: its system identifier, extended for sandboxes; empty when the role may not read it.</summary>
    public string ClusterId { get; init; } = "";

    /// <summary>WAL position at the snapshot; empty on a standby that gives none.</summary>
    public string WalPosition { get; init; } = "";

    /// <summary>Host as the client saw it.</summary>
    public string Host { get; init; } = "";

    /// <summary>Port as the client saw it.</summary>
    public int Port { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"PostgreSQL {Version} on {Host}";
}

/// <summary>A database's own properties.</summary>
public sealed record PgDatabaseFacts
{
    /// <summary>Its oid, which with the cluster's id tells one database from another.</summary>
    public required uint Oid { get; init; }

    /// <summary>Encoding by name, for example UTF8.</summary>
    public required string Encoding { get; init; }

    /// <summary>LC_COLLATE.</summary>
    public required string Collate { get; init; }

    /// <summary>LC_CTYPE.</summary>
    public required string CType { get; init; }

    /// <summary>Locale provider: libc, icu or builtin.</summary>
    public string LocaleProvider { get; init; } = "libc";

    /// <summary>Locale of the icu or builtin provider; null for libc.</summary>
    public string? Locale { get; init; }

    /// <summary>Version of the default collation as recorded by the database; null when the provider has none.</summary>
    public string? CollationVersion { get; init; }

    /// <summary>pg_database_size in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>The owning role.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Roles that own something in it, are granted something, or stand in a policy.</summary>
    public IReadOnlyList<string> Roles { get; init => field = value.ToArray(); } = [];

    /// <summary>Extensions and their versions.</summary>
    public IReadOnlyDictionary<string, string> Extensions { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Tables and sequences of extensions whose rows and positions are dumped, quoted, each with its extension's name.
    /// </summary>
    public IReadOnlyDictionary<string, string> ExtensionRelations { get; init => field = value ?? new Dictionary<string, string>(); }
        = new Dictionary<string, string>();

    /// <summary>Settings made with ALTER DATABASE … SET, as <c>name=value</c>.</summary>
    public IReadOnlyList<string> Settings { get; init => field = value.ToArray(); } = [];

    /// <summary>Settings that a role has in it, made with ALTER ROLE … IN DATABASE … SET.</summary>
    public IReadOnlyList<PgRoleSetting> RoleSettings { get; init => field = (value ?? []).ToArray(); } = [];

    /// <summary>Names of settings whose values look like secrets and are not recorded; with the role where they are one's.</summary>
    public IReadOnlyList<string> WithheldSettings { get; init => field = (value ?? []).ToArray(); } = [];

    /// <summary>Privileges on the database itself, of others than its owner; null where an older PgOps did not read them.</summary>
    public IReadOnlyList<PgDatabaseGrant>? Grants { get; init => field = value?.ToArray(); }

    /// <summary>Sessions allowed at a time; -1 for no limit.</summary>
    public int ConnectionLimit { get; init; } = -1;

    /// <summary>Its comment; null for none, and for a mark that PgOps made.</summary>
    public string? Comment { get; init; }

    /// <summary>Whether it is a template that roles with CREATEDB may copy.</summary>
    public bool IsTemplate { get; init; }

    /// <summary>Rules that ICU has beside those of the locale; null when there are none.</summary>
    public string? IcuRules { get; init; }

    /// <summary>What the database is a masked copy of (Restore-PgDatabase -Mask); null for an original.</summary>
    public string? Masked { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Encoding}, {Locale ?? Collate}, {PgSize.Format(Bytes)}";
}

/// <summary>The payload of a backup.</summary>
public sealed record PgPayload
{
    /// <summary>custom or directory.</summary>
    public required string Format { get; init; }

    /// <summary>File or folder inside the backup's folder.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes of all payload files.</summary>
    public long Bytes { get; init; }

    /// <summary>The tool's version line, for example <c>pg_dump (PostgreSQL) 15.18</c>.</summary>
    public string Tool { get; init; } = "";

    /// <summary>Parallel workers used.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Compression as given to the tool.</summary>
    public string Compression { get; init; } = "";

    /// <summary>The tool's arguments that chose a part of the database; empty for all of it.</summary>
    public IReadOnlyList<string> Selection { get; init => field = (value ?? []).ToArray(); } = [];

    /// <summary>
    /// What a part needs to be restored by itself and does not hold, for example "type public.mood"; empty when it holds all.
    /// </summary>
    public IReadOnlyList<string> Needs { get; init => field = (value ?? []).ToArray(); } = [];

    /// <summary>How the files are encrypted; null when they are not.</summary>
    public PgEncryption? Encryption { get; init; }

    /// <summary>
    /// A selection in one spelling, whatever the order and pg_dump's version, and in plain letters: it may come from a manifest that
    /// nobody has signed.
    /// </summary>
    internal static string PartOf(IEnumerable<string> selection) => string.Join(' ', selection
        .Where(argument => argument is not (null or "--strict-names"))
        .Select(argument => argument == "--no-blobs" ? "--no-large-objects" : Plain(argument))
        .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static string Plain(string argument)
    {
        var text = string.Concat(argument.Select(letter => char.GetUnicodeCategory(letter) is UnicodeCategory.Control
            or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
            ? FormattableString.Invariant($"\\u{(int)letter:x4}")
            : $"{letter}"));
        return text.AsSpan().IndexOfAny(' ', '\'') < 0 ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Format}, {PgSize.Format(Bytes)}{(Encryption is null ? "" : $", encrypted with {Encryption}")}";
}

/// <summary>How a backup's files are encrypted: each by itself, all but the manifest and the list of hashes.</summary>
public sealed record PgEncryption
{
    /// <summary>age or gpg.</summary>
    public required string Tool { get; init; }

    /// <summary>Public keys of those who can decrypt: age's recipients, or the fingerprints of OpenPGP keys.</summary>
    public IReadOnlyList<string> Recipients { get; init => field = value.ToArray(); } = [];

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Tool} for {Recipients.Count:N0}");
}

/// <summary>One table's rows at the snapshot.</summary>
public sealed record PgTableFingerprint
{
    /// <summary>Schema.</summary>
    public required string Schema { get; init; }

    /// <summary>Table.</summary>
    public required string Name { get; init; }

    /// <summary>Number of rows.</summary>
    public required long Rows { get; init; }

    /// <summary>
    /// Content hash: 32 hex digits, the sum modulo 2^128 over the rows of XxHash128 of the row's COPY text;
    /// null when only counts were taken.
    /// </summary>
    public string? Hash { get; init; }

    /// <summary>
    /// The same hash for each stored generated column, by name: pg_dump leaves these columns out and a restore computes them anew. Empty
    /// for a table without one; null where they were not read: counts alone were taken, or by a PgOps that did not read them.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Generated { get; init; }

    /// <summary>
    /// The same hash for the rows that an extension's table came with and that no dump holds; null where there are none, or where they were
    /// not read.
    /// </summary>
    public string? Shipped { get; init; }

    /// <summary>Bytes on disk with indexes and TOAST, as the source had them.</summary>
    public long Bytes { get; init; }

    /// <summary>
    /// Of a table that inherits columns, those that were read, in order: a restore may bring them in another one. Else null.
    /// </summary>
    public IReadOnlyList<string>? Columns { get; init => field = value?.ToArray(); }

    /// <summary>
    /// Of a partition that pg_dump loads through its root (it is chosen by the hash of an enum, which is another one in each database):
    /// the root's schema. Such partitions are compared together. Else null.
    /// </summary>
    public string? RootSchema { get; init; }

    /// <summary>The root's name; null as above.</summary>
    public string? Root { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";
}

/// <summary>What a materialized view held at the snapshot. No dump holds it: a restore refreshes the view.</summary>
public sealed record PgMaterializedViewFingerprint
{
    /// <summary>Schema.</summary>
    public required string Schema { get; init; }

    /// <summary>View.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it held anything: one made WITH NO DATA does not, and is restored so.</summary>
    public bool Populated { get; init; }

    /// <summary>Number of rows.</summary>
    public long Rows { get; init; }

    /// <summary>Content hash, as a table's; null when it was not populated or could not be read.</summary>
    public string? Hash { get; init; }

    /// <summary>What its query depends on beside data and settings (the clock, chance, another server); null for nothing known.</summary>
    public string? Outside { get; init; }

    /// <summary>Why it could not be read; null when it was.</summary>
    public string? Unread { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";
}

/// <summary>One sequence's position.</summary>
public sealed record PgSequencePosition
{
    /// <summary>Schema.</summary>
    public required string Schema { get; init; }

    /// <summary>Sequence.</summary>
    public required string Name { get; init; }

    /// <summary>last_value.</summary>
    public required long LastValue { get; init; }

    /// <summary>is_called.</summary>
    public required bool IsCalled { get; init; }

    /// <summary>Step; negative for a descending sequence.</summary>
    public long Increment { get; init; } = 1;

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";
}

/// <summary>Where a database stood in its migrations.</summary>
public sealed record PgMigrationMark
{
    /// <summary>The schema of the history; <c>*</c> where several schemas, none of them pgops, have a history each.</summary>
    public string HistorySchema { get; init; } = "pgops";

    /// <summary>The other tool whose history this is, on a database that has none of PgOps'; null for PgOps' own.</summary>
    public string? Tool { get; init; }

    /// <summary>The other tool's table; null for PgOps' own, and for more than one.</summary>
    public string? HistoryTable { get; init; }

    /// <summary>Newest applied version.</summary>
    public required string Version { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Rows in the history.</summary>
    public required long HistoryRows { get; init; }

    /// <summary>Hash of the history's last row.</summary>
    public required string HistoryHash { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Version}_{Name}";
}
