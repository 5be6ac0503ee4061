using PgOps.Core.Sql;

namespace PgOps.Core.Migrations;

/// <summary>A migration ready to run: its statements, and whether one transaction can hold them.</summary>
internal sealed class MigrationScript
{
    private static readonly string[] Directives = ["no-transaction", "ignore", "allow"];

    private MigrationScript(MigrationFile file, SqlScript script, IReadOnlyList<SqlStatement> statements, bool transactional)
    {
        File = file;
        Script = script;
        Statements = statements;
        Transactional = transactional;
    }

    internal MigrationFile File { get; }

    internal SqlScript Script { get; }

    /// <summary>The statements to send; a BEGIN and COMMIT that wrap the whole file are left out, for PgOps brings its own.</summary>
    internal IReadOnlyList<SqlStatement> Statements { get; }

    internal bool Transactional { get; }

    /// <summary>Reads a migration's script and refuses what cannot be a migration, all of it at once.</summary>
    /// <exception cref="PgOpsException">MigrationScriptInvalid, listing every place with its way out.</exception>
    internal static MigrationScript Read(MigrationFile file)
    {
        var part = file.PartOf(file.Text);
        var script = SqlScript.Parse(part.Text);
        var statements = Unwrap(script.Statements);
        // pg_dump's \restrict lines only guard psql against the text between them.
        var problems = script.Problems
            .Where(problem => problem.Kind != SqlProblemKind.RestrictLine)
            .Select(problem => (problem.Offset, problem.Message, problem.NextStep))
            .Concat(statements.Select(Problem).OfType<(int, string, string)>())
            .Concat(script.Directives.Where(directive => !Directives.Contains(directive.Name)).Select(directive => (
                OffsetOf(file.Text, directive),
                $"'-- pgops: {directive.Name}' is no directive",
                "the one there is: -- pgops: no-transaction")))
            .OrderBy(problem => problem.Item1)
            .ToList();
        if (problems.Count > 0)
        {
            throw Invalid(file, problems);
        }

        var transactional = part.Transactional
            && !script.Directives.Any(known => known.Name == "no-transaction")
            && !statements.Any(SqlStatementTraits.RefusesTransactionBlock);
        return new MigrationScript(file, script, statements, transactional);
    }

    /// <summary>The statements that a recorded text of the file holds, as <see cref="Statements"/> has them.</summary>
    internal static IReadOnlyList<SqlStatement> StatementsOf(MigrationFile file, string text)
        => Unwrap(SqlScript.Parse(file.PartOf(text).Text).Statements);

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

    private static PgOpsException Invalid(MigrationFile file, List<(int Offset, string Message, string NextStep)> problems)
    {
        var excerpts = problems.Take(20).Select(problem =>
        {
            var excerpt = ScriptExcerpt.At(file.Text, problem.Offset);
            return $"{file.Path}:{excerpt.Line}:{excerpt.Column}: {problem.Message}\n{excerpt.Rendered}\n    way out: {problem.NextStep}";
        });
        var first = ScriptExcerpt.At(file.Text, problems[0].Offset);
        var more = problems.Count > 20 ? $"\n… and {problems.Count - 20} more" : "";
        return new PgOpsException(
            PgErrorCode.MigrationScriptInvalid,
            $"{file} cannot be run as a migration ({problems.Count} {(problems.Count == 1 ? "place" : "places")}):\n"
                + string.Join('\n', excerpts) + more,
            "Nothing was run, and nothing of this migration is recorded.",
            "Correct the file and run the command again.")
        {
            Statement = new PgStatementError { File = file.Path, Line = first.Line, Column = first.Column },
        };
    }
}
