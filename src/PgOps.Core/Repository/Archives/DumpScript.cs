using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// What a plain dump, or the script that pg_restore makes of an archive, says about the database it came from and about how it can be
/// restored.
/// </summary>
internal sealed partial class DumpScript
{
    /// <summary>The fingerprint of a manifest that was made up for a foreign dump: nothing is compared with it.</summary>
    internal const string NoFingerprint = "Foreign";

    private const int MostInOneTransaction = 1500;

    private readonly ScriptReader _reader;
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
    private bool _beginsTransactions;
    private int _objects;

    internal DumpScript()
    {
        _reader = new ScriptReader { OnStatement = ReadStatement, OnComment = ReadComment, OnCommand = ReadCommand };
    }

    /// <summary>Whether it begins as pg_dump's scripts do.</summary>
    internal bool HasHead { get; private set; }

    /// <summary>Whether it ends inside of a literal, a comment or a table's rows.</summary>
    internal bool BreaksOff => _reader.BreaksOff;

    /// <summary>Whether pg_dump's last line is there, and nothing begun before it is left open.</summary>
    internal bool HasEnd => _complete && _restrictedBy is null;

    /// <summary>Tables with COPY data in it.</summary>
    internal int TableCount { get; private set; }

    /// <summary>Why it cannot be restored into a database of PgOps' choice, in words; null when it can.</summary>
    internal string? Obstacle { get; private set; }

    /// <summary>Whether it guards itself by \restrict.</summary>
    internal bool IsRestricted { get; private set; }

    /// <summary>Whether all of it fits into one transaction: it begins none itself, and does not lock too many objects at once.</summary>
    internal bool FitsOneTransaction => !_beginsTransactions && _objects <= MostInOneTransaction;

    /// <summary>Takes the next bytes.</summary>
    internal void Add(ReadOnlySpan<byte> bytes) => _reader.Add(bytes);

    /// <summary>Takes the next line.</summary>
    /// <param name="line">Each letter stands for a byte (Latin 1): the script itself says what encoding they have.</param>
    internal void AddLine(string line) => _reader.Add(Encoding.Latin1.GetBytes(line + "\n"));

    /// <summary>Says that this is all: a last line may have no end.</summary>
    internal void Complete() => _reader.Complete();

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
            Tool = _toolVersion.Length == 0 ? "" : PostgresBinaries.Words("pg_dump", _toolVersion),
        },
        Fingerprint = NoFingerprint,
    };

    private void ReadComment(string comment)
    {
        var text = comment.TrimStart();
        if (text == DumpMarks.Head)
        {
            HasHead = true;
        }
        else if (text == DumpMarks.ClusterHead)
        {
            HasHead = true;
            Refuse("it is a dump of a whole cluster (pg_dumpall)");
        }
        else if (text is DumpMarks.End or DumpMarks.ClusterEnd)
        {
            _complete |= _reader.IsAtRest;
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

    private void ReadStatement(SqlStatement statement)
    {
        switch (statement.Keywords)
        {
            case ["COPY", ..]:
                TableCount++;
                break;
            case ["SET", "CLIENT_ENCODING", ..]:
                _encoding = Setting(statement);
                break;
            case ["CREATE" or "DROP", "DATABASE", ..]:
                Refuse($"it holds {statement.Keywords[0]} DATABASE{At(_reader.Line)} (pg_dump --create or pg_dumpall)");
                ReadProperties(statement);
                break;
            case ["ALTER", "DATABASE", ..]:
                ReadOwner(statement);
                break;
            case ["BEGIN" or "COMMIT", ..] or ["START", "TRANSACTION", ..]:
                _beginsTransactions = true;
                break;
            case ["GRANT" or "REVOKE", ..] or ["ALTER", "DEFAULT", "PRIVILEGES", ..] or ["CREATE", "POLICY", ..]:
                foreach (var role in RoleNames.Of(statement))
                {
                    AddRole(role);
                }

                break;
        }

        _objects += statement.Keywords is ["CREATE", ..] ? 1 : 0;
    }

    private void ReadProperties(SqlStatement statement)
    {
        for (var cursor = new SqlCursor(statement); !cursor.AtEnd;)
        {
            var name = cursor.AcceptName();
            if (name is [var property] && cursor.AcceptSymbol("="))
            {
                _locale[property.ToUpperInvariant()] = Value(ref cursor);
            }
            else if (name.Count == 0)
            {
                cursor.Advance();
            }
        }
    }

    private void ReadOwner(SqlStatement statement)
    {
        for (var cursor = new SqlCursor(statement); !cursor.AtEnd; cursor.Advance())
        {
            if (cursor.Accept("OWNER", "TO") && cursor.AcceptName() is [var owner])
            {
                _owner = owner;
                return;
            }
        }
    }

    private void ReadCommand(string command)
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
            Refuse($"it connects to a database of its own choice: \\{command}{At(_reader.Line)} (pg_dump --create or pg_dumpall)");
        }
        else
        {
            // \! and \copy would run programs and touch files of this machine.
            Refuse($"it holds the psql command \\{name}{At(_reader.Line)}, which pg_dump does not write");
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

    /// <summary>The value that SET name = value gives.</summary>
    private static string Setting(SqlStatement statement)
    {
        var cursor = new SqlCursor(statement);
        cursor.Advance();
        cursor.Advance();
        _ = cursor.AcceptSymbol("=") || cursor.Accept("TO");
        return Value(ref cursor);
    }

    private static string Value(ref SqlCursor cursor) => cursor.AcceptText() ?? string.Join('.', cursor.AcceptName());

    [GeneratedRegex(
        @"^(?:(?<server>Dumped from database version)|(?<tool>Dumped by pg_dump version)) (?<version>\S+)", RegexOptions.CultureInvariant)]
    private static partial Regex Versions();

    [GeneratedRegex(
        @"^(?:Data for )?Name: (?<name>.*); Type: (?<type>[^;]+); Schema: .*; Owner: (?<owner>.*?)(?:; Tablespace: .*)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Section();
}
