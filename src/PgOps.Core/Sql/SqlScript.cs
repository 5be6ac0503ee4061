namespace PgOps.Core.Sql;

/// <summary>A script split into statements by PostgreSQL's own lexical rules, as psql would send them.</summary>
internal sealed class SqlScript
{
    private SqlScript(string text, StatementSplitter splitter)
    {
        Text = text;
        Statements = splitter.Statements;
        Problems = splitter.Problems;
        Directives = splitter.Directives;
        Comments = splitter.Comments;
        EndsComplete = splitter.EndsComplete;
        ConformingAtEnd = splitter.ConformingAtEnd;
    }

    /// <summary>The whole text.</summary>
    public string Text { get; }

    /// <summary>The statements in their order; empty ones are left out.</summary>
    public IReadOnlyList<SqlStatement> Statements { get; }

    /// <summary>What cannot be run, in order of place. Only <see cref="SqlProblemKind.RestrictLine"/> may be passed over.</summary>
    public IReadOnlyList<SqlProblem> Problems { get; }

    /// <summary>The <c>-- pgops:</c> comments before the first statement.</summary>
    public IReadOnlyList<SqlDirective> Directives { get; }

    /// <summary>Where the comments between the statements stand; those within statements, strings and COPY data are none.</summary>
    internal IReadOnlyList<(int Offset, int Length)> Comments { get; }

    /// <summary>Whether the last statement is ended, by its semicolon.</summary>
    internal bool EndsComplete { get; }

    /// <summary>standard_conforming_strings behind the last statement.</summary>
    internal bool ConformingAtEnd { get; }

    /// <summary>Splits a script. Never throws for what the text holds: see <see cref="Problems"/>.</summary>
    /// <param name="text">The text; a byte order mark at its start is passed over.</param>
    /// <param name="standardConformingStrings">The setting the session begins with; SET statements in the script change it.</param>
    /// <returns>The script.</returns>
    public static SqlScript Parse(string text, bool standardConformingStrings = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var splitter = new StatementSplitter(text, standardConformingStrings);
        splitter.Run();
        return new SqlScript(text, splitter);
    }
}
