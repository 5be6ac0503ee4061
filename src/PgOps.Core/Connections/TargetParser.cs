namespace PgOps.Core.Connections;

/// <summary>
/// Reads a target from any form people have at hand: a libpq or Prisma URI, a key=value string in libpq's or Npgsql's spelling, a
/// <c>service=</c> name, a bare database name, or the environment. Messages never repeat the input: it may hold a password.
/// </summary>
public static class TargetParser
{
    /// <summary>The target of the environment: DATABASE_URL, then the PG* variables (https://www.postgresql.org/docs/current/libpq-envars.html).</summary>
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
                "Give -Target (a postgresql:// URI, 'host=… dbname=…', or the object of New-PgTarget or Start-PgSandbox), or set $env:DATABASE_URL.");
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
            return TargetKeywords.ToTarget(new() { ["dbname"] = trimmed });
        }

        return TargetKeywords.ToTarget(
            ConnectionStringText.IsNpgsql(trimmed) ? ConnectionStringText.ReadNpgsql(trimmed) : ConnectionStringText.ReadLibpq(trimmed));
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
            var other => other.StartsWith("POSTGRESQL+", StringComparison.Ordinal) || other.StartsWith("POSTGRES+", StringComparison.Ordinal),
        };
        return known
            ? TargetKeywords.ToTarget(TargetUri.Read(rest))
            : throw Invalid(
                $"'{scheme}://' is not a PostgreSQL address.",
                scheme.StartsWith("prisma", StringComparison.OrdinalIgnoreCase)
                    ? "Prisma's proxy speaks no SQL. Give the database's own address (DIRECT_URL)."
                    : "Use postgresql:// or postgres://.");
    }
}
