using System.Globalization;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Reads a target from any form people have at hand: a libpq or Prisma URI, a key=value string in libpq's or Npgsql's spelling, a
/// <c>service=</c> name, a bare database name, or the environment. Messages never repeat the input: it may hold a password.
/// </summary>
public static class TargetParser
{
    /// <summary>
    /// The target of the environment: DATABASE_URL, then the PG* variables (https://www.postgresql.org/docs/current/libpq-envars.html).
    /// </summary>
    /// <returns>The target.</returns>
    /// <exception cref="PgOpsException">TargetInvalid: neither is set, or they make no sense.</exception>
    public static PgTarget FromEnvironment()
    {
        if (Environment.GetEnvironmentVariable("DATABASE_URL") is { Length: > 0 } url)
        {
            return Parse(url);
        }

        string[] telling = ["PGHOST", "PGSERVICE", "PGDATABASE", "PGPORT", "PGUSER"];
        if (!telling.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 }))
        {
            throw new PgOpsException(
                PgErrorCode.TargetInvalid,
                "No target was given, and neither DATABASE_URL nor the PG* variables are set.",
                null,
                "Give -Target (a postgresql:// URI, 'host=… dbname=…', "
                    + "or the object of New-PgTarget or Start-PgSandbox), or set $env:DATABASE_URL.");
        }

        return TargetKeywords.ToTarget([]);
    }

    /// <summary>Reads a target.</summary>
    /// <param name="text">The target in any form.</param>
    /// <returns>The target, completed from the service file and the environment as libpq does.</returns>
    /// <exception cref="PgOpsException">TargetInvalid, saying what cannot be understood.</exception>
    public static PgTarget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
        {
            throw Invalid("The target is empty.");
        }

        if (trimmed.StartsWith("jdbc:", StringComparison.OrdinalIgnoreCase))
        {
            trimmed = trimmed[5..];
        }

        var scheme = trimmed.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0 && !trimmed.AsSpan(0, scheme).Contains('='))
        {
            return FromUri(trimmed[..scheme], trimmed[(scheme + 3)..]);
        }

        if (!trimmed.Contains('=', StringComparison.Ordinal))
        {
            // An address without its scheme would become a database's name, password and all.
            if (trimmed.AsSpan().IndexOfAny('@', '/', ':') >= 0)
            {
                throw Invalid(
                    "The target looks like an address, but does not begin with postgresql://.",
                    "Write postgresql:// before it; a database with such a name is given as dbname='…'.");
            }

            return OnDefaultServer(trimmed);
        }

        return TargetKeywords.ToTarget(
            ConnectionStringText.IsNpgsql(trimmed) ? ConnectionStringText.ReadNpgsql(trimmed) : ConnectionStringText.ReadLibpq(trimmed),
            mayHoldPieces: true);
    }

    /// <summary>A target from its parts; what is null comes from the environment, then from libpq's defaults.</summary>
    /// <param name="host">Host name, address or socket folder.</param>
    /// <param name="port">Port.</param>
    /// <param name="database">Database.</param>
    /// <param name="username">Role.</param>
    /// <returns>The target.</returns>
    public static PgTarget FromParts(string? host, int? port, string? database, string? username)
        => FromKeywords(new Dictionary<string, string?>
        {
            ["host"] = host,
            ["port"] = port?.ToString(CultureInfo.InvariantCulture),
            ["dbname"] = database,
            ["user"] = username,
        });

    /// <summary>A target from libpq or Npgsql keywords, as a hashtable of a runbook's connection asset holds them.</summary>
    /// <param name="keywords">Names and values; empty values are left out.</param>
    /// <returns>The target.</returns>
    /// <exception cref="PgOpsException">TargetInvalid: a name is unknown or a value makes no sense.</exception>
    public static PgTarget FromKeywords(IEnumerable<KeyValuePair<string, string?>> keywords)
    {
        ArgumentNullException.ThrowIfNull(keywords);
        return TargetColumns.Read(keywords, null, strict: true).Target;
    }

    /// <summary>
    /// A target from an object's properties or a file's columns: those of a target, the parameters of New-PgTarget, the keywords of
    /// libpq and Npgsql. An object that has all of a target's properties becomes the same target again, whatever the environment says.
    /// </summary>
    /// <param name="columns">Names and values; empty values are left out.</param>
    /// <param name="start">The target whose parts they replace; null completes them from the environment, as libpq does.</param>
    /// <returns>The target, and what has nothing to do with it.</returns>
    /// <exception cref="PgOpsException">TargetInvalid: values contradict each other or make no sense, or a name looks like a
    /// slip.</exception>
    public static TargetRecord FromRecord(IEnumerable<KeyValuePair<string, string?>> columns, PgTarget? start = null)
    {
        ArgumentNullException.ThrowIfNull(columns);
        return TargetColumns.Read(columns, start, strict: false);
    }

    /// <summary>Whether a text is a database's bare name, which says nothing about the server.</summary>
    /// <param name="text">The text.</param>
    /// <returns>False for an address and a connection string, right or wrong.</returns>
    public static bool IsDatabaseName(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Trim() is { Length: > 0 } trimmed && trimmed.AsSpan().IndexOfAny("=@/:") < 0;
    }

    /// <summary>Whether a target had a password before it went through a file, JSON or a job, and has none now.</summary>
    /// <param name="target">The target.</param>
    /// <returns>Whether somebody should be told.</returns>
    public static bool LacksItsPassword(PgTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return target is { HasPassword: false, PasswordStayedBehind: true };
    }

    /// <summary>
    /// A database by its bare name lies where a target left out would lie: with DATABASE_URL, else with the PG* variables.
    /// </summary>
    private static PgTarget OnDefaultServer(string database)
    {
        var url = Environment.GetEnvironmentVariable("DATABASE_URL") ?? "";
        return url.Contains('=', StringComparison.Ordinal) || url.Contains("://", StringComparison.Ordinal)
            ? Parse(url).WithDatabase(database)
            : TargetKeywords.ToTarget(new() { ["dbname"] = database });
    }

    internal static PgOpsException Invalid(string problem, string? next = null) => new(
        PgErrorCode.TargetInvalid,
        problem,
        null,
        next ?? "A target looks like postgresql://user@host:5432/database, 'host=… dbname=… user=…', 'service=name' or a database's name.");

    private static PgTarget FromUri(string scheme, string rest)
    {
        var known = scheme.ToUpperInvariant() switch
        {
            "POSTGRES" or "POSTGRESQL" => true,
            var other =>
                other.StartsWith("POSTGRESQL+", StringComparison.Ordinal) || other.StartsWith("POSTGRES+", StringComparison.Ordinal),
        };
        return known
            ? TargetKeywords.ToTarget(TargetUri.Read(rest))
            : throw Invalid(
                $"{(scheme.All(char.IsAsciiLetter) ? $"'{scheme}://'" : "What stands before ://")} is not PostgreSQL's.",
                scheme.StartsWith("prisma", StringComparison.OrdinalIgnoreCase)
                    ? "Prisma's proxy speaks no SQL. Give the database's own address (DIRECT_URL)."
                    : "Use postgresql:// or postgres://.");
    }
}
