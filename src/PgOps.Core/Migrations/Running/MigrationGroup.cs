using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Puts small migrations together that travel in one round trip, each still a transaction of its own. A group is kept small enough
/// that a stop is felt soon: what has reached the server is run even when its migrator is killed.
/// </summary>
internal static class MigrationGroup
{
    private const int MostScripts = 50;
    private const int MostCharacters = 256 * 1024;

    /// <summary>Divides migrations, in their order.</summary>
    /// <param name="scripts">What is pending.</param>
    /// <param name="alone">Which of them may not travel with others.</param>
    internal static IEnumerable<IReadOnlyList<MigrationScript>> Divide(
        IEnumerable<MigrationScript> scripts, Func<MigrationScript, bool> alone)
    {
        var group = new List<MigrationScript>();
        var characters = 0;
        foreach (var script in scripts)
        {
            var length = script.File.Text.Length;
            var single = alone(script) || script.Statements.Any(statement => statement.CopyData is not null);
            if (group.Count > 0 && (single || group.Count == MostScripts || characters + length > MostCharacters))
            {
                yield return group;
                (group, characters) = ([], 0);
            }

            group.Add(script);
            characters += length;
            if (single)
            {
                yield return group;
                (group, characters) = ([], 0);
            }
        }

        if (group.Count > 0)
        {
            yield return group;
        }
    }
}
