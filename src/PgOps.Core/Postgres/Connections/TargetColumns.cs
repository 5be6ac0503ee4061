using System.Globalization;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Reads a target from named values: a hashtable, the columns of a file, the properties of a target that went through CSV, JSON, Clixml
/// or a job. A name may be a property of a target, a parameter of New-PgTarget, a keyword of libpq or Npgsql, or a PG* variable.
/// </summary>
internal static class TargetColumns
{
    private const string Label = "name";
    private const string Had = "haspassword";
    private const string Address = "uri";

    // PowerShell's own remarks on an object that came from elsewhere: where it was made, not where the database is.
    private static readonly HashSet<string> OfJobs = new(StringComparer.OrdinalIgnoreCase)
    {
        "PSComputerName", "RunspaceId", "PSShowComputerName", "PSSourceJobInstanceId",
    };

    private static readonly Dictionary<string, string> Keywords = Names();

    // A target has these properties whatever it is, so an object with all of them is a whole target.
    private static readonly string[] Whole = ["host", "port", "dbname", "user", "sslmode", Had];

    /// <summary>Reads them.</summary>
    /// <param name="columns">Names and values.</param>
    /// <param name="start">The target whose parts they replace; null for none.</param>
    /// <param name="strict">Whether a name that is not part of a target is an error, as in a hashtable that is a target.</param>
    /// <exception cref="PgOpsException">TargetInvalid.</exception>
    internal static TargetRecord Read(IEnumerable<KeyValuePair<string, string?>> columns, PgTarget? start, bool strict)
    {
        var given = new Dictionary<string, (string Column, string Value)>(StringComparer.Ordinal);
        var present = new HashSet<string>(StringComparer.Ordinal);
        var others = new List<string>();
        foreach (var (column, value) in columns.Where(column => !OfJobs.Contains(column.Key)))
        {
            var keyword = Keywords.GetValueOrDefault(Plain(column)) ?? (strict ? ConnectionStringText.Keyword(column) : null);
            if (keyword is null)
            {
                others.Add(column);
                continue;
            }

            present.Add(keyword);
            if (string.IsNullOrWhiteSpace(value))
            {
                continue;
            }

            if (given.TryGetValue(keyword, out var other) && other.Value != value)
            {
                throw TargetParser.Invalid(
                    $"'{other.Column}' and '{column}' mean the same and have different values.", "Leave one of them out.");
            }

            given[keyword] = (column, value);
        }

        RequireNoSlip(others, present);
        var parts = given.Where(part => part.Key is not (Label or Had or Address))
            .ToDictionary(part => part.Key, part => Value(part.Key, part.Value.Value), StringComparer.Ordinal);
        var whole = Whole.All(present.Contains) && given.ContainsKey("host");
        var target = Build(parts, given.TryGetValue(Address, out var address) ? address.Value : null, start, whole);
        if (given.TryGetValue(Label, out var label))
        {
            target = target with { Name = label.Value };
        }

        return new TargetRecord(
            given.TryGetValue(Had, out var had) && IsTrue(had.Value) ? WithPassword(target) : target,
            others,
            given.ContainsKey("host") || given.ContainsKey("service") || given.ContainsKey(Address) || start is not null);
    }

    private static PgTarget Build(Dictionary<string, string> parts, string? address, PgTarget? start, bool whole)
    {
        if (address is not null && TargetParser.IsDatabaseName(address))
        {
            parts.TryAdd("dbname", address);
            address = null;
        }

        return address is not null ? TargetKeywords.Replace(TargetParser.Parse(address), parts)
            : start is not null ? TargetKeywords.Replace(start, parts)
            : whole ? TargetKeywords.Replace(new PgTarget(), parts)
            : TargetKeywords.ToTarget(parts);
    }

    /// <summary>It had a password: PGPASSWORD stands in for it, and where there is none, the target knows what it lacks.</summary>
    private static PgTarget WithPassword(PgTarget target)
        => target.HasPassword ? target
            : Environment.GetEnvironmentVariable("PGPASSWORD") is { Length: > 0 } password ? target.WithPassword(new PgSecret(password))
            : target with { PasswordStayedBehind = true };

    /// <summary>A target's properties write some values in another way than libpq's keywords do.</summary>
    private static string Value(string keyword, string text) => keyword switch
    {
        "sslmode" when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Enum.IsDefined((PgSslMode)number) => ((PgSslMode)number).ToString(),
        "pgbouncer" => IsTrue(text) ? "true" : "false",
        "connect_timeout" when !text.All(char.IsAsciiDigit) => Seconds(text),
        _ => text,
    };

    private static string Seconds(string text)
        => Math.Ceiling(TimeSpanText.Parse(text, new TimeSpanUse(Zero: true)).TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static bool IsTrue(string text) => text == "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase);

    /// <summary>A column Hots or SslCrt must not lead to the default server, or past the encryption that was meant.</summary>
    private static void RequireNoSlip(List<string> others, HashSet<string> present)
    {
        foreach (var column in others)
        {
            var plain = Plain(column);
            if (TargetKeywords.Ignored.Any(ignored => Plain(ignored) == plain))
            {
                continue;
            }

            var near = Keywords.Where(known => !present.Contains(known.Value) && IsSlip(plain, known.Key))
                .Select(known => known.Key).FirstOrDefault();
            if (near is not null || plain.StartsWith("ssl", StringComparison.Ordinal)
                || plain.Contains("password", StringComparison.Ordinal))
            {
                throw TargetParser.Invalid(
                    $"'{column}' looks like a connection setting, but is none that PgOps knows.",
                    near is null
                        ? "Columns are those of a target (New-PgTarget | Get-Member), or libpq's keywords."
                        : $"Did you mean '{near}'?");
            }
        }
    }

    /// <summary>One letter too many, too few, wrong, or two that have changed places.</summary>
    private static bool IsSlip(string text, string known)
    {
        if (known.Length < 4 || Math.Abs(text.Length - known.Length) > 1)
        {
            return false;
        }

        var head = text.AsSpan().CommonPrefixLength(known);
        var left = text.AsSpan(head);
        var right = known.AsSpan(head);
        return left.Length > right.Length ? left[1..].SequenceEqual(right)
            : left.Length < right.Length ? right[1..].SequenceEqual(left)
            : left.Length > 0 && (left[1..].SequenceEqual(right[1..])
                || (left.Length > 1 && left[0] == right[1] && left[1] == right[0] && left[2..].SequenceEqual(right[2..])));
    }

    private static Dictionary<string, string> Names()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var keyword in TargetKeywords.Known)
        {
            names[Plain(keyword)] = keyword;
        }

        foreach (var (name, keyword) in ConnectionStringText.Names)
        {
            names[Plain(name)] = keyword;
        }

        foreach (var (keyword, variable) in TargetKeywords.EnvironmentNames)
        {
            names[Plain(variable)] = keyword;
        }

        foreach (var (keyword, spellings) in new (string Keyword, string[] Spellings)[]
        {
            ("host", ["computername", "hostname", "servername", "address", "ipaddress", "fqdn", "dbhost", "dbserver"]),
            ("port", ["dbport"]),
            ("dbname", ["databasename"]),
            ("user", ["dbuser", "login"]),
            ("password", ["dbpassword"]),
            ("sslrootcert", ["sslrootcertificate"]),
            ("target_session_attrs", ["targetsessionattributes"]),
            ("passfile", ["passwordfile"]),
            ("pgbouncer", ["pooled"]),
            (Address, ["uri", "url", "connectionstring", "databaseurl", "dsn"]),
            (Label, ["name"]),
            (Had, ["haspassword"]),
        })
        {
            foreach (var spelling in spellings)
            {
                names[spelling] = keyword;
            }
        }

        return names;
    }

#pragma warning disable CA1308 // the keywords are lower case
    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
#pragma warning restore CA1308
}
