namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// Which of a database's own settings a restore gives the copy before it is filled. Materialized views, generated columns, checks and
/// indexes are computed while it is filled, so what decides values has to be there by then. Everything else comes when all is done.
/// </summary>
internal static class EarlySettings
{
    // A reason each: what is computed by it.
    private static readonly Dictionary<string, string> Deciding = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TimeZone"] = "casts between timestamps with and without a time zone, days and hours of a timestamp",
        ["timezone_abbreviations"] = "abbreviations in timestamps read from text",
        ["DateStyle"] = "dates as text, and text read as dates; the dump's own rows are ISO, which every style reads",
        ["IntervalStyle"] = "intervals as text",
        ["default_text_search_config"] = "to_tsvector and to_tsquery without a configuration",
        ["lc_monetary"] = "money as text, and the dump's rows of money, which are written as the source writes them",
        ["lc_numeric"] = "to_char and to_number",
        ["lc_time"] = "names of days and months in to_char",
        ["bytea_output"] = "bytea as text",
        ["extra_float_digits"] = "floating-point numbers as text",
        ["xmlbinary"] = "bytea in XML",
        ["transform_null_equals"] = "x = NULL in a function's text",
        ["default_toast_compression"] = "how large values are stored",
        ["max_stack_depth"] = "how deep a function may call itself",
    };

    // Known, and late on purpose; what is in neither list is late because nobody knows that a value hangs on it.
    private static readonly Dictionary<string, string> Late = new(StringComparer.OrdinalIgnoreCase)
    {
        ["array_nulls"] = "off would read the NULLs in the dump's arrays as words",
        ["check_function_bodies"] = "pg_restore sets it itself",
        ["client_encoding"] = "pg_restore sets it itself",
        ["client_min_messages"] = "would hide pg_restore's warnings",
        ["default_table_access_method"] = "pg_restore sets it itself",
        ["default_tablespace"] = "pg_restore sets it itself",
        ["default_transaction_deferrable"] = "would let pg_restore's transactions wait",
        ["default_transaction_isolation"] = "serializable jobs fail beside each other",
        ["default_transaction_read_only"] = "would forbid the restore",
        ["event_triggers"] = "off would leave triggers of the restore out",
        ["idle_in_transaction_session_timeout"] = "would end the restore",
        ["idle_session_timeout"] = "would end the restore",
        ["lc_messages"] = "pg_restore's messages are read",
        ["local_preload_libraries"] = "loads code into every session",
        ["lock_timeout"] = "would end the restore",
        ["role"] = "the restore works as the role that it was given",
        ["row_security"] = "pg_restore sets it itself",
        ["search_path"] = "pg_restore sets it itself, and names everything in full",
        ["session_preload_libraries"] = "loads code into every session",
        ["session_replication_role"] = "replica would switch foreign keys and triggers off",
        ["standard_conforming_strings"] = "pg_restore sets it itself",
        ["statement_timeout"] = "would end the restore",
        ["synchronous_commit"] = "off while the copy is nobody's yet",
        ["transaction_timeout"] = "would end the restore",
        ["xmloption"] = "pg_restore sets it itself",
    };

    /// <summary>Whether a setting comes before the rows.</summary>
    /// <param name="setting"><c>name=value</c>, as pg_db_role_setting holds it.</param>
    internal static bool Includes(string setting)
    {
        var name = setting.Split('=', 2)[0];

        // A name with a dot is an application's or an extension's own: expressions read it by current_setting.
        return Deciding.ContainsKey(name) || name.Contains('.', StringComparison.Ordinal);
    }

    /// <summary>Why a setting comes when it comes; null for one that is in no list.</summary>
    /// <param name="name">The setting's name.</param>
    internal static string? Reason(string name) => Deciding.GetValueOrDefault(name) ?? Late.GetValueOrDefault(name);
}
