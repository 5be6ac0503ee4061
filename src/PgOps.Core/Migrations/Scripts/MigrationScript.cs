using PgOps.Core.Common.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>A migration ready to run: its statements, and whether one transaction can hold them.</summary>
internal sealed class MigrationScript
{
    private static readonly string[] Directives = ["no-transaction", "ignore", "allow"];

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
        var part = file.PartOf(file.Text);
        var (text, places) = Replaced(file, part.Text);
        var script = SqlScript.Parse(text);
        var statements = Unwrap(script.Statements);
        var transactional = part.Transactional && !byStatement
            && !script.Directives.Any(known => known.Name == "no-transaction")
            && !statements.Any(SqlStatementTraits.RefusesTransactionBlock);
        statements = transactional ? Unwrap(NestedTransactions.LeaveOut(script.Statements)) : statements;

        // pg_dump's \restrict lines only guard psql against the text between them.
        var problems = script.Problems
            .Where(problem => problem.Kind != SqlProblemKind.RestrictLine)
            .Select(problem => (problem.Offset, problem.Message, problem.NextStep))
            .Concat(statements.Select(Problem).OfType<(int, string, string)>())
            .Concat(statements.Where(statement => LacksData(file, places, statement)).Select(statement => (
                statement.Offset,
                "this COPY's data were left out when the script was recorded",
                "take the file from version control; the history holds only the data's hash")))
            .Concat(script.Directives.Where(directive => !Directives.Contains(directive.Name)).Select(directive => (
                OffsetOf(text, directive),
                $"'-- pgops: {directive.Name}' is not a directive",
                "the one there is: -- pgops: no-transaction")))
            .OrderBy(problem => problem.Item1)
            .ToList();
        if (problems.Count > 0)
        {
            throw Invalid(file, places, problems);
        }

        return new MigrationScript(file, script, places, statements, transactional) { Undone = undone };
    }

    /// <summary>The statements that a recorded text of the file holds, as <see cref="Statements"/> has them.</summary>
    internal static IReadOnlyList<SqlStatement> StatementsOf(MigrationFile file, string text)
        => Unwrap(SqlScript.Parse(Replaced(file, file.PartOf(text).Text).Text).Statements);

    private static (string Text, PlaceMap Places) Replaced(MigrationFile file, string text)
        => file.Variables is null ? (text, PlaceMap.Same) : file.Variables.Replace(text, (name, offset) => ScriptPart.Invalid(
            file,
            file.Text,
            offset,
            $"${{{name}}} has no value",
            $"give it with -Variable @{{ {name} = '…' }}; what is not a placeholder belongs in dollar quotes"));

    private static bool LacksData(MigrationFile file, PlaceMap places, SqlStatement statement)
        => statement.CopyData is { } data && StoredData.IsPlaceholder(statement.DataSpan)
            && file.Content.StoredAt(places.InFile(data.Offset)) is null;

    private static IReadOnlyList<SqlStatement> Unwrap(IReadOnlyList<SqlStatement> statements)
    {
        var wrapped = statements.Count >= 2
            && SqlStatementTraits.TransactionCommandOf(statements[0]) == TransactionCommand.Begin
            && SqlStatementTraits.TransactionCommandOf(statements[^1]) == TransactionCommand.Commit;
        return wrapped ? statements.Skip(1).Take(statements.Count - 2).ToList() : statements;
    }

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

        return SqlStatementTraits.TransactionCommandOf(statement) switch
        {
            TransactionCommand.None or TransactionCommand.Savepoint or TransactionCommand.Release or TransactionCommand.RollbackTo => null,
            _ => (
                statement.Offset,
                $"{statement.Keywords[0]}: PgOps runs each migration in its own transaction, with its history row",
                "remove the transaction commands, or split the file into one migration for each transaction"),
        };
    }

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
            $"{file} cannot be run as a migration ({Amount.Of(problems.Count, "place")}):{shown}",
            "Nothing was run, and nothing of this migration is recorded.",
            "Correct the file and run the command again.")
        {
            Statement = new PgStatementError { File = file.Path, Line = first.Line, Column = first.Column },
        };
    }
}
