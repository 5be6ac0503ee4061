using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// What a plain dump, or the script that pg_restore makes of an archive, says about the database it came from and about how it can be
/// restored.
/// </summary>
internal sealed partial class DumpScript
{
    /// <summary>The fingerprint of a manifest that was made up for a foreign dump: nothing is compared with it.</summary>
    internal const string NoFingerprint = "Foreign";

    private const string HeadLine = "PostgreSQL database dump";
    private const string ClusterHeadLine = "PostgreSQL database cluster dump";
    private const int MostInOneTransaction = 1500;

    private readonly DumpLexer _lexer;
    private readonly SortedSet<string> _roles = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _extensions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _locale = new(StringComparer.Ordinal);
    private string _section = "";
    private string _encoding = "";
    private string _owner = "";
    private string _serverVersion = "";
    private string _toolVersion = "";
    private string? _restrictedBy;
    private bool _complete;
    private bool _ownTransactions;
    private int _objects;

    internal DumpScript()
    {
        _lexer = new DumpLexer(ReadStatement, ReadComment, ReadCommand);
    }

    /// <summary>Whether it begins as pg_dump's scripts do.</summary>
    internal bool HasHead { get; private set; }

    /// <summary>Whether pg_dump's last line is there, and nothing begun before it is left open.</summary>
    internal bool HasEnd => _complete && _restrictedBy is null;

    /// <summary>Tables with COPY data in it.</summary>
    internal int TableCount { get; private set; }

    /// <summary>Why it cannot be restored into a database of PgOps' choice, in words; null when it can.</summary>
    internal string? Obstacle { get; private set; }

    /// <summary>Whether it guards itself by \restrict.</summary>
    internal bool IsRestricted { get; private set; }

    /// <summary>Whether all of it fits into one transaction: it begins none itself, and does not lock too many objects at once.</summary>
    internal bool FitsOneTransaction => !_ownTransactions && _objects <= MostInOneTransaction;

    /// <summary>Takes the next bytes.</summary>
    internal void Add(ReadOnlySpan<byte> bytes) => _lexer.Add(bytes);

    /// <summary>Takes the next line.</summary>
    internal void AddLine(string line) => _lexer.Add(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>
    /// A manifest of what the script says, for the steps of a restore that need to know encoding, locale, roles and extensions. It has
    /// no tables, and nothing is compared with it.
    /// </summary>
    /// <param name="backup">The dump.</param>
    internal PgBackupManifest Assume(PgBackup backup) => new()
    {
        Id = "",
        Database = backup.Database,
        SnapshotAt = backup.SnapshotAt,
        Server = new PgServerFacts
        {
            Version = _serverVersion.Length == 0 ? "unknown" : _serverVersion,
            VersionNumber = (PostgresBinaries.MajorOf(_serverVersion) ?? 0) * 10000,
        },
        Facts = new PgDatabaseFacts
        {
            Oid = 0,
            Encoding = _locale.GetValueOrDefault("ENCODING", _encoding.Length == 0 ? "UTF8" : _encoding),
            Collate = _locale.GetValueOrDefault("LC_COLLATE", _locale.GetValueOrDefault("LOCALE", "")),
            CType = _locale.GetValueOrDefault("LC_CTYPE", _locale.GetValueOrDefault("LOCALE", "")),
            LocaleProvider = _locale.Count <= 1 ? "" : _locale.GetValueOrDefault("LOCALE_PROVIDER", "libc"),
            Locale = _locale.GetValueOrDefault("ICU_LOCALE", _locale.GetValueOrDefault("BUILTIN_LOCALE", "")),
            Owner = _owner,
            Roles = [.. _roles],
            Extensions = _extensions,
        },
        Payload = new PgPayload
        {
            Format = backup.Format,
            Path = "",
            Bytes = backup.Bytes,
            Tool = _toolVersion.Length == 0 ? "" : $"pg_dump (PostgreSQL) {_toolVersion}",
        },
        Fingerprint = NoFingerprint,
    };

    private void ReadComment(string comment)
    {
        var text = comment.TrimStart();
        if (text == HeadLine)
        {
            HasHead = true;
        }
        else if (text == ClusterHeadLine)
        {
            HasHead = true;
            Refuse("it is a dump of a whole cluster (pg_dumpall)");
        }
        else if (text is HeadLine + " complete" or ClusterHeadLine + " complete")
        {
            _complete |= _lexer.IsAtRest;
        }
        else if (Versions().Match(text) is { Success: true } version)
        {
            // A dump of a cluster holds several; the first is the first database's.
            var number = version.Groups["version"].Value;
            _serverVersion = version.Groups["server"].Success && _serverVersion.Length == 0 ? number : _serverVersion;
            _toolVersion = version.Groups["tool"].Success && _toolVersion.Length == 0 ? number : _toolVersion;
        }
        else if (Section().Match(text) is { Success: true } section)
        {
            _section = section.Groups["type"].Value;
            if (_section == "EXTENSION")
            {
                _extensions[section.Groups["name"].Value] = "";
            }

            AddRole(section.Groups["owner"].Value);
        }
    }

    private void ReadStatement(string statement)
    {
        if (statement.StartsWith("CREATE ", StringComparison.Ordinal))
        {
            _objects++;
        }

        switch (Verb().Match(statement).Value)
        {
            case "COPY":
                TableCount++;
                break;
            case "SET client_encoding":
                _encoding = Literal(statement);
                break;
            case "SET standard_conforming_strings":
                _lexer.BackslashEscapes = statement.EndsWith("off", StringComparison.Ordinal);
                break;
            case "CREATE DATABASE" or "DROP DATABASE":
                Refuse($"it holds {Verb().Match(statement).Value}{At(_lexer.Line)} (pg_dump --create or pg_dumpall)");
                foreach (Match property in Property().Matches(statement))
                {
                    _locale[property.Groups[1].Value] = property.Groups[2].Success ? property.Groups[2].Value : property.Groups[3].Value;
                }

                break;
            case "ALTER DATABASE" when OwnerTo().Match(statement) is { Success: true } owner:
                _owner = Bare(owner.Groups[1].Value);
                break;
            case "BEGIN" or "COMMIT" or "START TRANSACTION":
                _ownTransactions = true;
                break;
            case "GRANT" or "REVOKE" or "ALTER DEFAULT PRIVILEGES" or "CREATE POLICY" when Grantees().Match(statement) is { Success: true } grantees:
                foreach (Match role in Name().Matches(grantees.Groups[1].Value))
                {
                    AddRole(Bare(role.Value));
                }

                break;
        }
    }

    private void ReadCommand(string command, long line)
    {
        var words = command.Split(' ', 2);
        var name = words[0];
        if (name == "restrict")
        {
            IsRestricted = true;
            _restrictedBy = words[^1];
        }
        else if (name == "unrestrict")
        {
            _restrictedBy = words[^1] == _restrictedBy ? null : _restrictedBy;
        }
        else if (name is "connect" or "c")
        {
            Refuse($"it connects to a database of its own choice: \\{command}{At(line)} (pg_dump --create or pg_dumpall)");
        }
        else
        {
            // \! and \copy would run programs and touch files of this machine.
            Refuse($"it holds the psql command \\{name}{At(line)}, which pg_dump does not write");
        }
    }

    private void Refuse(string obstacle) => Obstacle ??= obstacle;

    private void AddRole(string role)
    {
        if (role is not ("" or "-" or "PUBLIC" or "CURRENT_USER" or "SESSION_USER"))
        {
            _roles.Add(role);
        }
    }

    private static string At(long line) => string.Create(CultureInfo.InvariantCulture, $" in line {line}");

    private static string Literal(string statement)
        => statement.Split('\'') is { Length: > 1 } parts ? parts[1] : statement[(statement.LastIndexOf(' ') + 1)..];

    private static string Bare(string identifier)
        => identifier.StartsWith('"') ? identifier[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : identifier;

    [GeneratedRegex(
        @"^(?:(?<server>Dumped from database version)|(?<tool>Dumped by pg_dump version)) (?<version>\S+)", RegexOptions.CultureInvariant)]
    private static partial Regex Versions();

    [GeneratedRegex(
        @"^(?:Data for )?Name: (?<name>.*); Type: (?<type>[^;]+); Schema: .*; Owner: (?<owner>.*?)(?:; Tablespace: .*)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Section();

    [GeneratedRegex(
        @"^(?:COPY|SET client_encoding|SET standard_conforming_strings|(?:CREATE|DROP|ALTER) DATABASE|BEGIN|COMMIT|START TRANSACTION|GRANT"
            + @"|REVOKE|ALTER DEFAULT PRIVILEGES|CREATE POLICY)\b",
        RegexOptions.CultureInvariant)]
    private static partial Regex Verb();

    [GeneratedRegex(@"\b([A-Z_]+) = (?:'([^']*)'|(\w+))", RegexOptions.CultureInvariant)]
    private static partial Regex Property();

    [GeneratedRegex(@" OWNER TO (""(?:[^""]|"""")+""|\S+)$", RegexOptions.CultureInvariant)]
    private static partial Regex OwnerTo();

    [GeneratedRegex(
        @" (?:TO|FROM) ((?:(?:""(?:[^""]|"""")+""|[^\s"",()]+)(?:, )?)+)(?: (?:WITH|USING|GRANTED|CASCADE)\b.*)?$",
        RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Grantees();

    [GeneratedRegex(@"""(?:[^""]|"""")+""|[^\s"",]+", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
