using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Checks.User;

/// <summary>
/// A file of SQL. Each SELECT asks for what is wrong: a row that comes back fails the check and is shown. This is the convention of
/// dbt's data tests (https://docs.getdbt.com/docs/build/data-tests): the failure names what is to be repaired. The statements run in
/// one read-only transaction that is rolled back.
/// </summary>
public sealed class SqlCheck : UserCheck
{
    private const int ShownRows = 5;
    private const int ShownLetters = 200;

    private readonly string _path;

    /// <summary>Makes a check of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name; null takes the file's.</param>
    public SqlCheck(string path, string? name = null)
        : base(name ?? Path.GetFileNameWithoutExtension(path))
    {
        _path = path;
    }

    internal override async Task<UserCheckAnswer> RunAsync(PgTarget target, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var script = SqlScript.Parse(await File.ReadAllTextAsync(_path, cancellationToken).ConfigureAwait(false));
        if (script.Problems.FirstOrDefault(problem => problem.Kind != SqlProblemKind.RestrictLine) is { } problem)
        {
            return Fail(string.Create(CultureInfo.InvariantCulture, $"line {problem.Line}: {problem.Message}"));
        }

        using var limit = Limit(timeout, cancellationToken);
        var session = await ServerConnection.OpenAsync(target, null, limit.Token).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            await session.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", limit.Token).ConfigureAwait(false);
            await session.ExecuteAsync(SessionSettings.Set(Settings(target, timeout), local: true), limit.Token).ConfigureAwait(false);
            return await RunAsync(session, script, limit.Token).ConfigureAwait(false);
        }
    }

    private static IEnumerable<(string Name, string Value)> Settings(PgTarget target, TimeSpan timeout)
    {
        yield return ("statement_timeout", Math.Ceiling(timeout.TotalMilliseconds).ToString("0", CultureInfo.InvariantCulture));
        if (target.Schema is { } schema)
        {
            yield return ("search_path", Quote.Identifier(schema));
        }
    }

    private static async Task<UserCheckAnswer> RunAsync(NpgsqlConnection session, SqlScript script, CancellationToken cancellationToken)
    {
        var asked = 0;
        var wrong = new List<string>();
        foreach (var statement in script.Statements)
        {
            if (EndsTransaction(statement))
            {
                return Fail(Place(statement, "a check runs in one read-only transaction and must not end it"));
            }

            try
            {
                var rows = await AskAsync(session, statement, cancellationToken).ConfigureAwait(false);
                asked += rows is null ? 0 : 1;
                if (rows?.Length > 0)
                {
                    wrong.Add(Place(statement, rows));
                }
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
            {
                return Fail(Place(statement, $"{error.SqlState} {error.MessageText}"));
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.QueryCanceled
                && !cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(error.MessageText, error);
            }
        }

        return asked == 0 ? Fail("the file holds no statement that gives rows, so nothing was checked")
            : wrong.Count > 0 ? Fail(string.Join("\n", wrong))
            : new UserCheckAnswer(true, asked == 1 ? "no row" : $"{PgAmount.Of(asked, "query")}, no row");
    }

    /// <summary>The rows in words; empty when there are none, null when the statement is none that gives rows.</summary>
    private static async Task<string?> AskAsync(NpgsqlConnection session, SqlStatement statement, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(statement.Text, session) { AllResultTypesAreUnknown = true };
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                if (reader.FieldCount == 0)
                {
                    return null;
                }

                var shown = new List<string>();
                var count = 0L;
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (count++ < ShownRows)
                    {
                        shown.Add(Show(reader));
                    }
                }

                return count == 0 ? "" : Describe(count, shown, IsVerdict(reader, count, shown));
            }
        }
    }

    private static string Describe(long count, List<string> shown, bool verdict) => string.Create(
        CultureInfo.InvariantCulture,
        $"{PgAmount.Of(count, "row")}{(count > shown.Count ? $", the first {shown.Count}" : "")}: {string.Join("; ", shown)}"
            + $"{(verdict ? " (a check lists what is wrong: SELECT … WHERE NOT …, and no row when all is well)" : "")}");

    // Who writes SELECT count(*) = 0 takes the rows for the verdict.
    private static bool IsVerdict(NpgsqlDataReader reader, long count, List<string> shown)
        => count == 1 && reader.FieldCount == 1
            && (shown[0].EndsWith("=t", StringComparison.Ordinal) || shown[0].EndsWith("=true", StringComparison.Ordinal));

    private static string Show(NpgsqlDataReader row)
    {
        var text = string.Join(
            ", ", Enumerable.Range(0, row.FieldCount).Select(i => $"{row.GetName(i)}={(row.IsDBNull(i) ? "NULL" : row.GetString(i))}"));
        return text.Length > ShownLetters ? text[..ShownLetters] + "…" : text;
    }

    private static bool EndsTransaction(SqlStatement statement)
        => statement.Keywords is ["COMMIT" or "END" or "ROLLBACK" or "ABORT" or "BEGIN" or "START" or "PREPARE" or "SAVEPOINT"
                or "RELEASE", ..]
            or ["SET", "TRANSACTION" or "SESSION", ..];

    private static string Place(SqlStatement statement, string said)
        => string.Create(CultureInfo.InvariantCulture, $"line {statement.Line}: {said}");

    private static UserCheckAnswer Fail(string detail) => new(false, detail);
}
