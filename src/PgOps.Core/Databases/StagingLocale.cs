using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>The locale clause of the staging database's CREATE DATABASE.</summary>
internal static class StagingLocale
{
    private const int ProvidersSince = 150000;
    private const int RulesSince = 160000;
    private const int BuiltinSince = 170000;

    /// <summary>The clause that gives the source's locale; null when this server has no such provider.</summary>
    internal static string? Clause(PgDatabaseFacts facts, int serverVersion)
    {
        var libc = $"LC_COLLATE {Quote.Literal(facts.Collate)} LC_CTYPE {Quote.Literal(facts.CType)}";
        return facts.LocaleProvider switch
        {
            // A script does not say it: the server's own.
            "" => "",
            "libc" => serverVersion >= ProvidersSince ? $"LOCALE_PROVIDER libc {libc}" : libc,
            "icu" when serverVersion >= ProvidersSince && facts.Locale is not null
                => $"LOCALE_PROVIDER icu ICU_LOCALE {Quote.Literal(facts.Locale)} {libc}"
                    + (facts.IcuRules is null || serverVersion < RulesSince ? "" : $" ICU_RULES {Quote.Literal(facts.IcuRules)}"),
            "builtin" when serverVersion >= BuiltinSince && facts.Locale is not null
                => $"LOCALE_PROVIDER builtin BUILTIN_LOCALE {Quote.Literal(facts.Locale)} {libc}",
            _ => null,
        };
    }

    /// <summary>The clause that works everywhere and with every encoding.</summary>
    internal static string Fallback(int serverVersion)
        => serverVersion >= ProvidersSince ? "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'" : "LC_COLLATE 'C' LC_CTYPE 'C'";

    /// <summary>Whether CREATE DATABASE was refused for its locale (src/backend/commands/dbcommands.c, createdb).</summary>
    internal static bool IsUnavailable(PostgresException error) => error.SqlState is
        PostgresErrorCodes.WrongObjectType or PostgresErrorCodes.InvalidParameterValue
        or PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.UndefinedObject;

    /// <summary>Holds the encoding and locale of the session's database against the source's.</summary>
    /// <exception cref="PgOpsException">RestoreFailed when its encoding cannot hold the source's characters.</exception>
    internal static async Task<PgCheck> CheckAsync(NpgsqlConnection session, PgDatabaseFacts facts, CancellationToken cancellationToken)
    {
        var here = (await SnapshotFacts.OfAsync(session, null, cancellationToken).ConfigureAwait(false))!;
        if (here.Encoding != facts.Encoding && here.Encoding != "UTF8")
        {
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                $"The database has the encoding {here.Encoding}; the source has {facts.Encoding}.",
                "Nothing was restored.",
                "Have a database made with the source's encoding, or with UTF8.");
        }

        return Describe(here) == Describe(facts)
            ? PgCheck.Pass(PgCheckName.Collation, $"{Describe(here)}, as in the source")
            : PgCheck.Skip(
                PgCheckName.Collation,
                $"the database has {Describe(here)}, the source {Describe(facts)}; sorting and letter case of text may differ");
    }

    /// <summary>For a person: encoding and locale.</summary>
    internal static string Describe(PgDatabaseFacts facts)
    {
        var locale = facts.LocaleProvider == "libc"
            ? facts.Collate == facts.CType ? facts.Collate : $"{facts.Collate}/{facts.CType}"
            : $"{facts.LocaleProvider} {facts.Locale}";
        return $"{facts.Encoding}, {locale}";
    }
}
