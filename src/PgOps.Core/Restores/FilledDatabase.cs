namespace PgOps.Core.Restores;

/// <summary>A database that was filled and found equal.</summary>
/// <param name="Tables">Tables compared or counted.</param>
/// <param name="Rows">Rows in them.</param>
/// <param name="Masked">Columns masked.</param>
/// <param name="Settings">The database's own settings, probed and not yet applied.</param>
/// <param name="SettingsCheck">What to say about them.</param>
/// <param name="Comment">The comment it is to bear; null for none.</param>
internal sealed record FilledDatabase(
    int Tables, long Rows, IReadOnlyList<PgMaskedColumn> Masked, IReadOnlyList<string> Settings, PgCheck SettingsCheck, string? Comment);
