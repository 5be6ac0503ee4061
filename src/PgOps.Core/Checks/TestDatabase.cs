using System.Diagnostics;
using System.Text;
using Npgsql;
using PgOps.Core.Checks.User;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>
/// Tests a live database after a migration or a restore: what must be there, what is broken, what runs out. It changes nothing.
/// </summary>
public sealed class TestDatabase
{
    private static readonly PgFindingKind[] Expected =
        [PgFindingKind.ExpectedTables, PgFindingKind.ExpectedColumns, PgFindingKind.ExpectedPolicies];

    /// <summary>Tests one database.</summary>
    /// <param name="request">Which one, and for what.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops the test.</param>
    /// <returns>The test, passed or not.</returns>
    /// <exception cref="PgOpsException">
    /// InvalidArgument when the request or the file of expectations makes no sense, PathNotFound, PathInaccessible, or a
    /// connection's error. What is wrong with the database is a result.
    /// </exception>
    public Task<PgDatabaseTest> RunAsync(TestDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgDatabaseTest> WorkAsync(TestDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        Require(request);
        var startedAt = DateTime.UtcNow;
        var elapsed = Stopwatch.StartNew();
        var expectations = request.Expectations is null
            ? null
            : await Expectations.LoadAsync(request.Expectations, cancellationToken).ConfigureAwait(false);
        var kinds = Enum.GetValues<PgFindingKind>().Where(kind => Asked(request, kind)).ToList();
        using var progress = new ProgressActivity(sink, $"Testing {request.Target}");
        var checks = new List<PgCheck>();
        var findings = new List<PgFinding>();
        string version;
        try
        {
            var session = await CatalogSession.OpenAsync(request.Target, request.Thresholds, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                version = session.Connection.VersionText();
                var expected = new ExpectedInspections(session, request.Manifest, expectations);
                foreach (var kind in kinds)
                {
                    progress.Report(NameOf(kind), checks.Count, kinds.Count + request.Checks.Count);
                    var (check, found) = await InspectAsync(session, kind, expected, request, cancellationToken).ConfigureAwait(false);
                    checks.Add(check);
                    findings.AddRange(found);
                }
            }
        }
        catch (NpgsqlException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(request.Target, error, "the test", "The test was given up; it changes nothing.");
        }

        checks.AddRange(
            await UserChecks.RunAsync(request.Checks, request.Target, request.CheckTimeout, sink, cancellationToken).ConfigureAwait(false));
        return new PgDatabaseTest
        {
            Target = request.Target,
            Checks = checks,
            Findings = findings,
            LeftOut = [.. Enum.GetValues<PgFindingKind>().Except(kinds)],
            StartedAt = startedAt,
            Duration = elapsed.Elapsed,
            ServerVersion = version,
        };
    }

    /// <summary>A kind as its check is named: InvalidIndexes is invalid-indexes.</summary>
    internal static string NameOf(PgFindingKind kind)
    {
        var name = new StringBuilder();
        foreach (var letter in kind.ToString())
        {
            _ = (char.IsUpper(letter) && name.Length > 0 ? name.Append('-') : name).Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }

    private static async Task<(PgCheck Check, IReadOnlyList<PgFinding> Findings)> InspectAsync(
        CatalogSession session, PgFindingKind kind, ExpectedInspections expected, TestDatabaseRequest request,
        CancellationToken cancellationToken)
    {
        var elapsed = Stopwatch.StartNew();
        Inspection? inspection = null;
        var refusal = await session.TryAsync(
            async () => inspection = await InspectAsync(session, kind, expected, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        var findings = (inspection?.Findings ?? []).Select(finding => finding with { Severity = Weigh(finding, request) })
            .OrderByDescending(finding => finding.Severity).ToList();
        var notSeen = refusal is null
            ? inspection!.NotSeen
            : $"the server refused to be looked at: {refusal.SqlState} {refusal.MessageText}";
        return (Check(NameOf(kind), findings, notSeen) with { Duration = elapsed.Elapsed }, findings);
    }

    private static Task<Inspection> InspectAsync(
        CatalogSession session, PgFindingKind kind, ExpectedInspections expected, CancellationToken cancellationToken) => kind switch
        {
            PgFindingKind.ExpectedTables or PgFindingKind.ExpectedColumns or PgFindingKind.ExpectedPolicies =>
                expected.RunAsync(kind, cancellationToken),
            PgFindingKind.RowSecurity => TableInspections.RowSecurityAsync(session, cancellationToken),
            PgFindingKind.InvalidIndexes => IndexInspections.InvalidAsync(session, cancellationToken),
            PgFindingKind.CollationVersion => CollationInspection.RunAsync(session, cancellationToken),
            PgFindingKind.Wraparound => LimitInspections.WraparoundAsync(session, cancellationToken),
            PgFindingKind.Sequences => LimitInspections.SequencesAsync(session, cancellationToken),
            PgFindingKind.DisabledTriggers => TableInspections.TriggersAsync(session, cancellationToken),
            PgFindingKind.UnvalidatedConstraints => TableInspections.ConstraintsAsync(session, cancellationToken),
            PgFindingKind.PrimaryKeys => TableInspections.PrimaryKeysAsync(session, cancellationToken),
            PgFindingKind.DuplicateIndexes => IndexInspections.DuplicateAsync(session, cancellationToken),
            _ => IndexInspections.UnusedAsync(session, cancellationToken),
        };

    /// <summary>An error fails the check; what was not looked at in full is never passed.</summary>
    private static PgCheck Check(string name, List<PgFinding> findings, string? notSeen)
    {
        var errors = findings.Count(finding => finding.Severity == PgFindingSeverity.Error);
        var tally = string.Join(", ", new[] { Count(errors, "error"), Count(findings.Count - errors, "warning") }.OfType<string>());
        var said = (findings.Count == 0 ? "nothing found" : $"{tally}: {NameList.Of(findings.Select(finding => finding.ToString()))}")
            + (notSeen is null ? "" : $"; not looked at in full: {notSeen}");
        return errors > 0 ? PgCheck.Fail(name, said)
            : notSeen is not null ? PgCheck.Skip(name, findings.Count == 0 ? notSeen : said)
            : PgCheck.Pass(name, said);
    }

    private static string? Count(int number, string what)
        => number == 0 ? null : PgAmount.Of(number, what);

    private static PgFindingSeverity Weigh(PgFinding finding, TestDatabaseRequest request)
        => request.AsError.Contains(finding.Kind) ? PgFindingSeverity.Error
            : request.AsWarning.Contains(finding.Kind) ? PgFindingSeverity.Warning : finding.Severity;

    private static bool Asked(TestDatabaseRequest request, PgFindingKind kind)
        => (request.Only.Count == 0 || request.Only.Contains(kind)) && !request.Skip.Contains(kind)
            && (!Expected.Contains(kind) || request.Manifest is not null || request.Expectations is not null);

    private static void Require(TestDatabaseRequest request)
    {
        var problem = request switch
        {
            { Manifest: null, Expectations: null } when request.Only.Intersect(Expected).Any()
                => "Nothing says what is expected: give -Manifest or -Expectations with -Only Expected….",
            _ when request.AsError.Intersect(request.AsWarning).FirstOrDefault((PgFindingKind)(-1)) is >= 0 and var both
                => $"{both} cannot be an error and a warning.",
            _ when request.Checks.Count == 0 && !Enum.GetValues<PgFindingKind>().Any(kind => Asked(request, kind)) =>
                "Nothing is left to test.",
            _ => null,
        };
        if (problem is not null)
        {
            throw new PgOpsException(PgErrorCode.InvalidArgument, problem, "Nothing was tested.", "Correct the parameters.");
        }
    }
}
