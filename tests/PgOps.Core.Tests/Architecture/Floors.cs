namespace PgOps.Core.Tests.Architecture;

/// <summary>
/// The floor plan of the core: each room with the rooms that it may use, from the ground up. A room may use only what stands above it in
/// this table, so nothing here can be a circle; docs/architecture.md draws it.
/// </summary>
internal static class Floors
{
    /// <summary>Rooms by name, in order from the ground, each with what it may use.</summary>
    internal static readonly (string Room, string[] Uses)[] Plan =
    [
        ("Common.Text", []),
        ("Common.Operations", ["Common.Text"]),
        ("Common.Files", ["Common.Text", "Common.Operations"]),
        ("Common.Hashes", ["Common.Operations"]),
        ("Common.Streams", ["Common.Operations"]),
        ("Sql", ["Common"]),
        ("Postgres.Connections", ["Common", "Sql"]),
        ("Postgres.ClientTools", ["Common", "Postgres.Connections"]),
        ("Postgres.Catalog", ["Common", "Sql", "Postgres.Connections"]),
        ("Postgres.Sandbox", ["Common", "Sql", "Postgres.Connections", "Postgres.ClientTools"]),
        ("Repository.Storage", ["Common", "Postgres.Connections", "Postgres.ClientTools"]),
        ("Repository.Signing", ["Common"]),
        ("Repository.Encryption", ["Common", "Postgres.ClientTools"]),
        ("Repository.Archives",
        [
            "Common",
            "Sql",
            "Postgres.ClientTools",
            "Postgres.Catalog",
            "Repository.Storage",
            "Repository.Encryption",
        ]),
        ("Repository",
        [
            "Common",
            "Sql",
            "Postgres.Connections",
            "Postgres.ClientTools",
            "Repository.Storage",
            "Repository.Signing",
            "Repository.Encryption",
            "Repository.Archives",
        ]),
        ("Repository.Retention", ["Common", "Repository", "Repository.Storage"]),
        ("Databases", ["Common", "Sql", "Postgres"]),
        ("Migrations.Scripts", ["Common", "Sql", "Postgres.Connections"]),
        ("Migrations.History", ["Common", "Sql", "Postgres.Connections", "Migrations.Scripts"]),
        ("Migrations", ["Common", "Postgres.Connections", "Migrations.Scripts", "Migrations.History"]),
        ("Migrations.Locking", ["Common", "Postgres.Connections", "Migrations", "Migrations.Scripts", "Migrations.History"]),
        ("Migrations.Adoption",
        [
            "Common",
            "Postgres.Connections",
            "Migrations",
            "Migrations.Scripts",
            "Migrations.History",
            "Migrations.Locking",
        ]),
        ("Migrations.Running", ["Common", "Sql", "Postgres", "Databases", "Migrations"]),
        ("Comparison", ["Common", "Sql", "Postgres", "Repository", "Migrations.History", "Migrations.Adoption"]),
        ("Backups", ["Common", "Sql", "Postgres", "Repository", "Migrations.Adoption", "Comparison"]),
        ("Restores.Masking", ["Common", "Sql", "Postgres.Connections"]),
        ("Restores", ["Common", "Sql", "Postgres", "Repository", "Databases", "Comparison", "Restores.Masking"]),
        ("Checks.User", ["Common", "Sql", "Postgres.Connections"]),
        ("Checks", ["Common", "Sql", "Postgres", "Comparison", "Checks.User"]),
        ("Drills", ["Common", "Sql", "Postgres", "Repository", "Migrations", "Comparison", "Restores", "Checks.User"]),
        ("Reports", ["Common", "Postgres.Connections", "Repository", "Migrations.History", "Migrations.Scripts", "Checks"]),
    ];

    /// <summary>Whether one room may use another: it is named, or it lies in a room that is named whole.</summary>
    internal static bool Allows(string room, string used)
        => room == used || Array.Find(Plan, entry => entry.Room == room).Uses.Any(
            name => used == name || used.StartsWith(name + ".", StringComparison.Ordinal));
}
