using System.Collections;
using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Base of the cmdlets that hold a folder of migrations against databases, or against schemas of them.</summary>
public abstract class PgMigrationCmdlet : PgFleetCmdlet
{
    /// <summary>
    /// The folder with the migrations: <c>001_x.sql</c> or <c>20251015093045_x.sql</c> files, or a folder in the manner of Prisma,
    /// Flyway, golang-migrate, sqlx, dbmate, goose, sql-migrate, node-pg-migrate, Diesel or Hasura.
    /// </summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./migrations";

    /// <summary>Schema of the history table.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>
    /// Values for the placeholders ${name} in the scripts; a SecureString is one that never shows. A placeholder without a value is
    /// an error.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? Variable { get; set; }

    /// <summary>Names in -Variable whose values show nowhere: not in a plan, an error, a log or the history.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? SecretVariable { get; set; }

    /// <summary>The scripts hold no placeholders: ${name} is text in them.</summary>
    [Parameter]
    public SwitchParameter NoVariables { get; set; }

    /// <summary>Also replaces placeholders inside dollar quotes, where function bodies are.</summary>
    [Parameter]
    public SwitchParameter VariableInDollarQuotes { get; set; }

    /// <summary>The schemas that are worked on each for itself; null works on the database.</summary>
    private protected virtual string[]? Schemas => null;

    /// <summary>Whether a schema that is named without wildcards may be missing.</summary>
    private protected virtual bool MissingSchemaAllowed => false;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        List<MigrationRequest> requests = [];
        if (!Understand(() =>
            {
                RequireOneHistory();
                requests = ResolveTargets().ConvertAll(target => Complete(new MigrationRequest
                {
                    Target = target,
                    Path = FullPath(Path),
                    HistorySchema = HistorySchema,
                    Variables = VariableTable.Read(Variable, VariableInDollarQuotes, SecretVariable, NoVariables),
                }));
            }))
        {
            return;
        }

        var tasks = new List<FleetTask>();
        foreach (var request in requests)
        {
            if (Schemas is { } names)
            {
                DecideSchemas(request, names, tasks);
            }
            else
            {
                tasks.AddRange(Decide(request));
            }
        }

        Begin(tasks);
    }

    /// <summary>Adds the parameters of the cmdlet to those that every migration cmdlet has.</summary>
    private protected virtual MigrationRequest Complete(MigrationRequest request) => request;

    /// <summary>Asks on the pipeline thread, and gives the work on one database or schema; none when there is nothing to do.</summary>
    private protected abstract IEnumerable<FleetTask> Decide(MigrationRequest request);

    /// <summary>Under -WhatIf prints the plan, else asks.</summary>
    /// <param name="request">The database or schema.</param>
    /// <param name="action">What would be done, for the question.</param>
    /// <param name="plan">Gives the plan, one line for each step.</param>
    /// <param name="work">The work.</param>
    private protected IEnumerable<FleetTask> Ask(
        MigrationRequest request,
        string action,
        Func<IOperationSink, CancellationToken, Task<IReadOnlyList<string>>> plan,
        Func<IOperationSink, CancellationToken, Task<object?>> work)
    {
        if (WhatIfRequested)
        {
            Preview(plan);
            return [];
        }

        return ShouldProcess($"{request.Target}", action) ? [TaskOf(request, work)] : [];
    }

    /// <summary>The work on one database or schema.</summary>
    private protected static FleetTask TaskOf(MigrationRequest request, Func<IOperationSink, CancellationToken, Task<object?>> work)
        => new($"{request.Target}", request.Target, work);

    private void DecideSchemas(MigrationRequest request, string[] names, List<FleetTask> tasks)
    {
        IReadOnlyList<PgTarget> schemas = [];
        PgOpsException? failure = null;
        Run(async (sink, token) =>
        {
            try
            {
                schemas = await new FindSchemas().RunAsync(request.Target, names, MissingSchemaAllowed, sink, token).ConfigureAwait(false);
            }
            catch (PgOpsException error)
            {
                failure = error;
            }
        });
        foreach (var schema in schemas)
        {
            tasks.AddRange(Decide(request.ForSchema(schema)));
        }

        if (failure is not null)
        {
            // It counts among the targets: -StopOnError and -Canary must know of it.
            tasks.Add(TaskOf(request, (_, _) => Task.FromException<object?>(failure)));
        }
    }

    private void RequireOneHistory()
    {
        if (Schemas is not null && MyInvocation.BoundParameters.ContainsKey(nameof(HistorySchema)))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Schema and -HistorySchema exclude each other: each schema holds its own history.",
                "Nothing was touched.",
                "Leave -HistorySchema out.");
        }
    }
}
