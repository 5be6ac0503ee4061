namespace PgOps;

/// <summary>One database on one server, with everything needed to reach it. Secrets are held but never shown.</summary>
public sealed record PgTarget
{
    /// <summary>A label of the user's own, for fleets; empty when none was given.</summary>
    public string Name { get; init; } = "";

    /// <summary>Host name, address, or the directory of a Unix socket. Several hosts are separated by commas, as in libpq.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>TCP port, or the number in the socket's name.</summary>
    public int Port { get; init; } = 5432;

    /// <summary>The database.</summary>
    public string Database { get; init; } = "postgres";

    /// <summary>The role to log in as.</summary>
    public string Username { get; init; } = "postgres";

    /// <summary>Whether a password was given. The password itself cannot be read.</summary>
    public bool HasPassword => Password is not null;

    /// <summary>libpq's sslmode.</summary>
    public PgSslMode SslMode { get; init; } = PgSslMode.Prefer;

    /// <summary>File with the trusted root certificates (sslrootcert).</summary>
    public string? SslRootCertificate { get; init; }

    /// <summary>File with the client certificate (sslcert).</summary>
    public string? SslCertificate { get; init; }

    /// <summary>File with the client certificate's key (sslkey).</summary>
    public string? SslKey { get; init; }

    /// <summary>libpq's gssencmode: disable, prefer or require. PgOps disables it unless it is asked for.</summary>
    public string? GssEncryptionMode { get; init; }

    /// <summary>libpq's channel_binding: disable, prefer or require.</summary>
    public string? ChannelBinding { get; init; }

    /// <summary>libpq's target_session_attrs: the kind of server that is asked for.</summary>
    public string? TargetSessionAttributes { get; init; }

    /// <summary>libpq's require_auth: the ways of authentication that the client takes part in; null for all.</summary>
    public string? RequireAuth { get; init; }

    /// <summary>Password file (passfile); libpq's default file is used when nothing is set.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Server options sent at start-up, for example <c>-c work_mem=64MB</c>.</summary>
    public string? Options { get; init; }

    /// <summary>
    /// Schema that unqualified names are created in (Prisma's <c>schema</c> parameter); the server's search_path when empty.
    /// </summary>
    public string? Schema { get; init; }

    /// <summary>Time allowed for one connection attempt. Zero waits without limit.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>application_name shown in pg_stat_activity.</summary>
    public string ApplicationName { get; init; } = DefaultApplicationName;

    /// <summary>Whether the address says that a transaction pooler stands in between (Prisma's <c>pgbouncer=true</c>).</summary>
    public bool Pooled { get; init; }

    internal const string DefaultApplicationName = "PgOps";

    internal PgSecret? Password { get; init; }

    internal PgSecret? SslPassword { get; init; }

    /// <summary>Whether it had a password before it went through a file, JSON or a job, which do not carry secrets.</summary>
    internal bool PasswordStayedBehind { get; init; }

    /// <summary>The same server and credentials, another database.</summary>
    /// <param name="database">The database's name.</param>
    /// <returns>A copy that differs in <see cref="Database"/> alone.</returns>
    public PgTarget WithDatabase(string database) => this with { Database = database };

    /// <summary>The same target with a password.</summary>
    /// <param name="password">The password.</param>
    /// <returns>A copy holding the password.</returns>
    public PgTarget WithPassword(PgSecret password) => this with { Password = password };

    /// <summary>
    /// A libpq URI <b>that contains the password</b>, for handing to another program's environment
    /// (<c>$env:DATABASE_URL = $target.GetConnectionUri()</c>). Do not put it on a command line.
    /// </summary>
    /// <returns>The URI.</returns>
    public string GetConnectionUri() => PgTargetText.ToUri(this);

    /// <summary>
    /// The PG* environment variables of this target, <b>PGPASSWORD included</b>, as libpq reads them
    /// (https://www.postgresql.org/docs/current/libpq-envars.html). It has no variable for sslpassword: that is in the URI only.
    /// </summary>
    /// <returns>Variable names and values.</returns>
    public IReadOnlyDictionary<string, string> GetEnvironment() => PgTargetText.ToEnvironment(this);

    /// <summary>Label, database, schema, host and port; never a secret.</summary>
    /// <returns>
    /// For example <c>shop@db1:5432</c>, with a schema other than public <c>shop.tenant_7@db1:5432</c>; with a label
    /// <c>eu (shop@db1:5432)</c>; on a socket <c>shop@eu</c> or, without a label, its folder's name, and <c>shop@local:5432</c> for
    /// the usual ones.
    /// </returns>
    public override string ToString()
    {
        var port = Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var place = Schema is null or "public" ? Database : $"{Database}.{Schema}";
        if (Host.StartsWith('/'))
        {
            var folder = Name.Length > 0 ? Name : Path.GetFileName(Host.TrimEnd('/'));
            return folder is "postgresql" or "tmp" ? $"{place}@local:{port}" : $"{place}@{folder}";
        }

        return Name.Length == 0 ? $"{place}@{Host}:{port}" : $"{Name} ({place}@{Host}:{port})";
    }
}
