using Npgsql;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Databases;

/// <summary>One of the two databases of a switch.</summary>
/// <param name="Name">Its name before the switch.</param>
/// <param name="Properties">What the catalogs say of it.</param>
/// <param name="Mark">The mark of an earlier switch that put it aside; null when there was none.</param>
/// <param name="Comment">Its own comment.</param>
internal sealed record SwitchSide(string Name, DatabaseProperties Properties, SwitchMark? Mark, string? Comment)
{
    internal uint Oid => Properties.Facts.Oid;

    /// <summary>Its own default_transaction_read_only; null when it has none.</summary>
    internal string? ReadOnly => Properties.Settings
        .Where(one => one.Role is null && one.Setting.StartsWith(SwitchMark.Setting + "=", StringComparison.Ordinal))
        .Select(one => one.Setting[(SwitchMark.Setting.Length + 1)..])
        .FirstOrDefault();

    /// <summary>Reads it.</summary>
    /// <returns>The database; null when there is none of this name.</returns>
    internal static async Task<SwitchSide?> ReadAsync(NpgsqlConnection session, string name, CancellationToken cancellationToken)
    {
        if (await DatabaseProperties.ReadAsync(session, name, cancellationToken).ConfigureAwait(false) is not { } properties)
        {
            return null;
        }

        var (mark, comment) = SwitchMark.Read(properties.Comment);
        return new SwitchSide(name, properties, mark, comment);
    }
}
