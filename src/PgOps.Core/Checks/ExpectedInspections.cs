namespace PgOps.Core.Checks;

/// <summary>Looks for what must be there, by a manifest, by a file of expectations, or by both. The catalogs are read once.</summary>
internal sealed class ExpectedInspections
{
    private readonly CatalogSession _session;
    private readonly PgBackupManifest? _manifest;
    private readonly ExpectationInspection? _expectations;
    private ManifestInspection? _inspection;

    internal ExpectedInspections(CatalogSession session, PgBackupManifest? manifest, IReadOnlyList<ExpectedTable>? expectations)
    {
        _session = session;
        _manifest = manifest;
        _expectations = expectations is null ? null : new ExpectationInspection(session, expectations);
    }

    internal async Task<Inspection> RunAsync(PgFindingKind kind, CancellationToken cancellationToken)
    {
        var byManifest = _manifest is null
            ? new Inspection([])
            : await ByManifestAsync(kind, cancellationToken).ConfigureAwait(false);
        var byFile = _expectations is null ? [] : kind switch
        {
            PgFindingKind.ExpectedTables => await _expectations.TablesAsync(cancellationToken).ConfigureAwait(false),
            PgFindingKind.ExpectedColumns => await _expectations.ColumnsAsync(cancellationToken).ConfigureAwait(false),
            _ => await _expectations.PoliciesAsync(cancellationToken).ConfigureAwait(false),
        };
        return byManifest with { Findings = [.. byManifest.Findings, .. byFile] };
    }

    private async Task<Inspection> ByManifestAsync(PgFindingKind kind, CancellationToken cancellationToken)
    {
        _inspection ??= await ManifestInspection.ReadAsync(_session, _manifest!, cancellationToken).ConfigureAwait(false);
        return kind switch
        {
            PgFindingKind.ExpectedTables => await _inspection.TablesAsync(cancellationToken).ConfigureAwait(false),
            PgFindingKind.ExpectedColumns => _inspection.Columns(),
            _ => _inspection.Policies(),
        };
    }
}
