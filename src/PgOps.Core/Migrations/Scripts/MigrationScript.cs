using PgOps.Core.Common.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>A migration ready to run: its statements, and whether one transaction can hold them.</summary>
internal sealed class MigrationScript
{
    private const string NoTransaction = "no-transaction";

    private static readonly IReadOnlyDictionary<int, int> Nothing = new Dictionary<int, int>();

    private readonly PlaceMap _places;

    private MigrationScript(
        MigrationFile file, SqlScript script, PlaceMap places, IReadOnlyList<SqlStatement> statements, bool transactional)
    {
        File = file;
        Script = script;
        _places = places;
        Statements = statements;
        Transactional = transactional;
    }

    internal MigrationFile File { get; }

    internal SqlScript Script { get; }

    /// <summary>The statements to send; a BEGIN and COMMIT that wrap the whole file are left out, for PgOps brings its own.</summary>
    internal IReadOnlyList<SqlStatement> Statements { get; }

    internal bool Transactional { get; }

    /// <summary>The command that begins its transaction, with the isolation level that the file's own BEGIN asks for.</summary>
    internal string Begin { get; private init; } = "BEGIN";

    /// <summary>The transactions of a script that runs statement by statement: the numbers of BEGIN and of COMMIT.</summary>
    internal IReadOnlyDictionary<int, int> Transactions { get; private init; } = Nothing;

    /// <summary>Whether it undoes a migration.</summary>
    internal bool IsUndo => Undone is not null;

    /// <summary>The migration that this script undoes; null for every other script.</summary>
    internal MigrationFile? Undone { get; private init; }

    /// <summary>The migration, or its undo, in a sentence.</summary>
    internal string Title => IsUndo ? $"The undo of {File}" : File.ToString();

    /// <summary>The text that runs, which the statements' offsets count in.</summary>
    internal string Text => Script.Text;

    /// <summary>The place in the file that an offset of <see cref="Text"/> stands for.</summary>
    internal ScriptExcerpt ExcerptAt(int offset) => File.ExcerptAt(_places.InFile(offset));

    /// <summary>A COPY's data that stay in the file; null when <see cref="Text"/> holds them.</summary>
    internal StoredData? StoredDataOf(SqlStatement statement)
        => statement.CopyData is { } data ? File.Content.StoredAt(_places.InFile(data.Offset)) : null;

    /// <summary>Reads the script that undoes a migration.</summary>
    /// <exception cref="PgOpsException">MigrationScriptInvalid, listing every place with its way out.</exception>
    internal static MigrationScript ReadUndo(MigrationFile file) => Read(file.Down!, file, false);

    /// <summary>Reads a migration's script and refuses what cannot be a migration, all of it at once.</summary>
    /// <exception cref="PgOpsException">MigrationScriptInvalid, listing every place with its way out.</exception>
    internal static MigrationScript Read(MigrationFile file) => Read(file, null, false);

    /// <summary>The same script, to be run statement by statement.</summary>
    internal MigrationScript ByStatement() => Read(File, Undone, true);

    private static MigrationScript Read(MigrationFile file, MigrationFile? undone, bool byStatement)
    {
        if (file.Language is { } language)
        {
            throw Program(file, language);
        }

        var part = file.PartOf(file.Text);
        var (text, places) = Replaced(file, part.Text);
        var script = SqlScript.Parse(text, (undone ?? file).ConformingStrings);
        var wrapper = IsWrapped(script.Statements) ? script.Statements[0] : null;
        var statements = Unwrap(script.Statements);

        // An undo is one transaction whatever its mark says, if it can be: one that stops half-way leaves nobody knowing.
        var transactional = !byStatement
            && (undone is not null || (part.Transactional && !script.Directives.Any(known => known.Name == NoTransaction)))
            && !statements.Any(SqlStatementTraits.RefusesTransactionBlock);
        var transactions = wrapper is null ? NestedTransactions.In(statements) : Nothing;
        if (transactional && transactions.Count > 0)
        {
            var joined = undone is not null || transactions.Count == 1 ? NestedTransactions.LeaveOut(statements) : statements;
            (transactional, transactions) = joined.Count < statements.Count ? (true, Nothing) : (undone is not null, transactions);
            statements = joined;
        }

        transactions = undone is null ? transactions : Nothing;
        var modes = wrapper is null ? "" : NestedTransactions.ModesOf(wrapper);

        // pg_dump's \restrict lines only guard psql against the text between them.
        var problems = script.Problems
            .Where(problem => problem.Kind != SqlProblemKind.RestrictLine)
            .Select(problem => (problem.Offset, problem.Message, problem.NextStep))
            .Concat(statements.Where((_, index) => !IsCommandOf(transactions, index)).Select(Problem).OfType<(int, string, string)>())
            .Concat(wrapper is null ? [] : NestedTransactions.ProblemsOf(wrapper, modes, transactional))
            .Concat(transactions.Keys.SelectMany(begin
                => NestedTransactions.ProblemsOf(statements[begin], NestedTransactions.ModesOf(statements[begin]), true)))
            .Concat(statements.Where((statement, index) => IsWithin(transactions, index)
                && SqlStatementTraits.RefusesTransactionBlock(statement)).Select(statement => (
                statement.Offset,
                "this cannot run in a transaction, and stands between BEGIN and COMMIT",
                "move it out from between them")))
            .Concat(transactional ? [] : LostScope(statements, transactions))
            .Concat(SectionMarks.In(script, undone is not null, file.Section is not null))
            .Concat(statements.Where(statement => LacksData(file, places, statement)).Select(statement => (
                statement.Offset,
                "this COPY's data were left out when the script was recorded",
                "take the file from version control; the history holds only the data's hash")))
            .Concat(script.Directives.Where(directive => directive.Name != NoTransaction).Select(directive => (
                OffsetOf(text, directive),
                $"'-- pgops: {directive.Name}' is not a directive",
                "the one there is: -- pgops: no-transaction")))
            .Concat(LateDirectives(script))
            .Concat(NearDirectives(script))
            .Concat(ScriptPart.MissedMark(text) is { } mark ? [mark] : [])
            .OrderBy(problem => problem.Item1)
            .ToList();
        if (problems.Count > 0)
        {
            throw Invalid(file, places, problems);
        }

        return new MigrationScript(file, script, places, statements, transactional)
        {
            Undone = undone,
            Begin = modes.Length == 0 ? "BEGIN" : $"BEGIN {modes}",
            Transactions = transactions,
        };
    }

    /// <summary>The statements that a recorded text of the file holds, as <see cref="Statements"/> has them.</summary>
    internal static IReadOnlyList<SqlStatement> StatementsOf(MigrationFile file, string text)
        => Unwrap(SqlScript.Parse(Replaced(file, file.PartOf(text).Text).Text, file.ConformingStrings).Statements);

    private static (string Text, PlaceMap Places) Replaced(MigrationFile file, string text)
        => (file.Variables ?? (file.PlaceholdersEverywhere ? ScriptVariables.NoneAnywhere : ScriptVariables.None)).Replace(
            text, (name, offset) => ScriptPart.Invalid(
            file,
            file.Text,
            offset,
            $"${{{name}}} has no value",
            $"give it with -Variable @{{ {name} = '…' }}; "
                + (file.Variables is null
                    ? "where the files hold no placeholders, and this is text, use -NoVariables"
                    : "what is not a placeholder belongs in dollar quotes")));

    private static PgOpsException Program(MigrationFile file, string language) => new(
        PgErrorCode.MigrationScriptInvalid,
        $"{file} is a migration in {language}, which PgOps cannot run: {file.Path}",
        "Nothing was run, and nothing of this migration is recorded.",
        $"Write it again in SQL, as a file of the same version. Where it has been run already: Repair-PgMigration -Version {file.Version} "
            + $"-MarkApplied -Reason '…', or on an import Import-PgMigrationHistory -Skip {file.Version} -Reason '…'.")
    { Subject = file.Path };

    private static bool LacksData(MigrationFile file, PlaceMap places, SqlStatement statement)
        => statement.CopyData is { } data && StoredData.IsPlaceholder(statement.DataSpan)
            && file.Content.StoredAt(places.InFile(data.Offset)) is null;

    private static IReadOnlyList<SqlStatement> Unwrap(IReadOnlyList<SqlStatement> statements)
    {
        var inner = IsWrapped(statements) ? statements.Skip(1).Take(statements.Count - 2).ToList() : statements;
        return inner.Any(SqlSessionTraits.IsIdle) ? inner.Where(statement => !SqlSessionTraits.IsIdle(statement)).ToList() : inner;
    }

    /// <summary>Whether one transaction of its own holds the whole file.</summary>
    private static bool IsWrapped(IReadOnlyList<SqlStatement> statements) => statements.Count >= 2
        && SqlStatementTraits.TransactionCommandOf(statements[0]) == TransactionCommand.Begin
        && SqlStatementTraits.TransactionCommandOf(statements[^1]) == TransactionCommand.Commit
        && !statements.Skip(1).SkipLast(1).Any(statement
            => SqlStatementTraits.TransactionCommandOf(statement) is TransactionCommand.Begin or TransactionCommand.Commit);

    private static bool IsCommandOf(IReadOnlyDictionary<int, int> transactions, int index)
        => transactions.ContainsKey(index) || transactions.Values.Contains(index);

    private static bool IsWithin(IReadOnlyDictionary<int, int> transactions, int index)
        => transactions.Any(pair => index > pair.Key && index < pair.Value);

    /// <summary>
    /// Statements that lose their meaning because the file runs statement by statement: the server does nothing then but warn, or does
    /// something else.
    /// </summary>
    private static IEnumerable<(int, string, string)> LostScope(
        IReadOnlyList<SqlStatement> statements, IReadOnlyDictionary<int, int> transactions)
    {
        var cause = statements.FirstOrDefault(SqlStatementTraits.RefusesTransactionBlock);
        var why = cause is null
            ? transactions.Count > 0 ? "it stands outside its transactions" : "it is to run outside a transaction"
            : $"line {cause.Line} ({string.Join(' ', cause.Keywords.Take(3))} …) cannot run in a transaction";
        foreach (var (statement, index) in statements.Select((statement, index) => (statement, index)))
        {
            if (!IsWithin(transactions, index) && SqlSessionTraits.TransactionScopeOf(statement) is { } words)
            {
                var set = statement.Keywords is ["SET", "LOCAL", ..];
                yield return (
                    statement.Offset,
                    $"{words} has a meaning only within a transaction, and this file runs statement by statement: {why}",
                    (set ? "write SET, which lasts to the end of the file, or " : "")
                        + "give it and what belongs to it a migration of its own, apart from what cannot run in a transaction");
            }
        }
    }

    private static IEnumerable<(int, string, string)> LateDirectives(SqlScript script)
        => script.Comments
            .Where(comment => script.Statements.Count > 0 && comment.Offset > script.Statements[0].Offset
                && SqlDirective.Read(script.Text.AsSpan(comment.Offset, comment.Length), 1) is not null)
            .Select(comment => (
                comment.Offset,
                $"'{script.Text.Substring(comment.Offset, comment.Length).TrimEnd()}' does nothing below the first statement",
                "move it to the head of the file"));

    private static IEnumerable<(int, string, string)> NearDirectives(SqlScript script)
        => script.Comments
            .Where(comment => SqlDirective.IsNear(script.Text.AsSpan(comment.Offset, comment.Length)))
            .Select(comment => (
                comment.Offset,
                $"'{script.Text.Substring(comment.Offset, comment.Length).TrimEnd()}' is almost a directive of PgOps', and does nothing",
                "write it as -- pgops: no-transaction, alone on a line above the first statement; of a comment that is none, change the "
                    + "words"));

    private static int OffsetOf(string text, SqlDirective directive)
    {
        var offset = 0;
        for (var line = 1; line < directive.Line; line++)
        {
            offset = text.IndexOf('\n', offset) + 1;
        }

        return offset;
    }

    private static (int Offset, string Message, string NextStep)? Problem(SqlStatement statement)
    {
        if (SqlStatementTraits.IsDatabaseLevel(statement))
        {
            return (
                statement.Offset,
                $"{statement.Keywords[0]} DATABASE: a migration runs inside one database and cannot create, drop or change to another",
                "remove the statement; create the database once by hand (CREATE DATABASE …) and give it with -Target …/database");
        }

        if (SqlStatementTraits.CopyForAClient(statement) is { } copy)
        {
            return (
                statement.Offset,
                $"{copy}: a migration has no client that takes or gives such data",
                "take the statement out, or read and write a file on the server (COPY … TO '/path'); data to load stand in the file "
                    + "as text");
        }

        foreach (var setting in SettingAssignment.In(statement))
        {
            if (setting.Name == "client_encoding" && (setting.Value is not { } encoding ? setting.ByCall : !IsUtf8(encoding)))
            {
                var value = setting.Value is null ? "…" : $"'{setting.Value}'";
                return (
                    statement.Offset,
                    $"client_encoding = {value}: the file is UTF-8 and is sent so, and the server would store other letters",
                    "take the statement out; a file in another encoding is converted first (iconv -f LATIN1 -t UTF-8)");
            }
        }

        if (SqlSessionTraits.MakesReadOnly(statement))
        {
            return (
                statement.Offset,
                "READ ONLY: a migration is recorded in its own transaction, which therefore has to write",
                "take the statement out");
        }

        return SqlStatementTraits.TransactionCommandOf(statement) switch
        {
            TransactionCommand.None or TransactionCommand.Savepoint or TransactionCommand.Release or TransactionCommand.RollbackTo => null,
            _ => (
                statement.Offset,
                $"{statement.Keywords[0]}: PgOps runs each migration in its own transaction, with its history row",
                "remove the transaction commands, or split the file into one migration for each transaction"),
        };
    }

    private static bool IsUtf8(string encoding)
        => string.Concat(encoding.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant() is "UTF8" or "UNICODE";

    private static PgOpsException Invalid(MigrationFile file, PlaceMap places, List<(int Offset, string Message, string NextStep)> problems)
    {
        var shown = NameList.Lines(problems, 20, problem =>
        {
            var excerpt = file.ExcerptAt(places.InFile(problem.Offset));
            return $"{file.Path}:{excerpt.Line}:{excerpt.Column}: {problem.Message}\n{excerpt.Rendered}\n    to do: {problem.NextStep}";
        });
        var first = file.ExcerptAt(places.InFile(problems[0].Offset));
        return new PgOpsException(
            PgErrorCode.MigrationScriptInvalid,
            $"{file} cannot be run as a migration ({PgAmount.Of(problems.Count, "place")}):{shown}",
            "Nothing was run, and nothing of this migration is recorded.",
            "Correct the file and run the command again.")
        {
            Statement = new PgStatementError { File = file.Path, Line = first.Line, Column = first.Column },
        };
    }
}
