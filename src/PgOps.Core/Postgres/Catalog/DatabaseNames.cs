using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Names of the databases a restore makes, within PostgreSQL's 63 bytes for an identifier.</summary>
internal static partial class DatabaseNames
{
    private const int IdentifierBytes = 63;

    /// <summary>A fresh staging name: <c>&lt;name&gt;_pgops_&lt;8 hex digits&gt;</c>.</summary>
    internal static string Staging(string name)
        => WithSuffix(name, "_pgops_" + Hex.Of(RandomNumberGenerator.GetBytes(4)));

    /// <summary>The name a replaced database is kept under: <c>&lt;name&gt;_replaced_&lt;yyyyMMddHHmmss&gt;</c>.</summary>
    internal static string Replaced(string name, DateTime at)
        => WithSuffix(name, "_replaced_" + at.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture));

    /// <summary>Whether a name has the shape of a staging name.</summary>
    internal static bool IsStaging(string name) => StagingShape().IsMatch(name);

    /// <summary>The key of the advisory lock that says a staging database is in use.</summary>
    internal static long LockKey(string stagingName)
        => AdvisoryKey.Of("pgops restore staging " + stagingName);

    /// <summary>The name cut at a character so that name and suffix fit.</summary>
    private static string WithSuffix(string name, string suffix)
    {
        var room = IdentifierBytes - Encoding.UTF8.GetByteCount(suffix);
        var kept = new StringBuilder();
        foreach (var rune in name.EnumerateRunes())
        {
            room -= rune.Utf8SequenceLength;
            if (room < 0)
            {
                break;
            }

            kept.Append(rune.ToString());
        }

        return kept.Append(suffix).ToString();
    }

    [GeneratedRegex("_pgops_[0-9a-f]{8}$", RegexOptions.CultureInvariant)]
    private static partial Regex StagingShape();
}
