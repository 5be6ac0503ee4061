using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>A folder of migrations: its shape and its scripts in the order of their versions.</summary>
internal sealed partial class MigrationFolder
{
    private const string InSubfolder = " (in a subfolder)";
    private const string DownEnding = ".down.sql";
    private const string NoVersion = " (its name does not begin with a version, as in 001_create_orders.sql)";

    private MigrationFolder(string path, MigrationShape shape, IReadOnlyList<MigrationFile> files)
    {
        Path = path;
        Shape = shape;
        Files = files;
    }

    internal string Path { get; }

    internal MigrationShape Shape { get; }

    internal IReadOnlyList<MigrationFile> Files { get; }

    /// <summary>Scripts that run again whenever they change, in the order of their names.</summary>
    internal IReadOnlyList<MigrationFile> Repeatables { get; private init; } = [];

    /// <summary>Scripts that fill tables, run on request, in the order of their names.</summary>
    internal IReadOnlyList<MigrationFile> Seeds { get; private init; } = [];

    /// <summary>Entries that do nothing here, each with the reason.</summary>
    internal IReadOnlyList<string> PassedOver { get; private init; } = [];

    /// <summary>The order of its versions: that of its shape's own tool.</summary>
    internal MigrationVersion Order => MigrationVersion.OrderOf(Shape);

    /// <summary>All scripts that a run may run.</summary>
    internal IEnumerable<MigrationFile> Scripts => Files.Concat(Repeatables).Concat(Seeds);

    /// <summary>Reads a folder. Most scripts are read when they are asked for; those that may be sectioned, at once.</summary>
    /// <exception cref="PgOpsException">
    /// PathNotFound; MigrationSourceInvalid for a mixture of shapes, a file that fits none, or two files of one version.
    /// </exception>
    internal static MigrationFolder Read(string path, ScriptVariables? variables = null)
    {
        var folder = new DirectoryInfo(path);
        if (!folder.Exists)
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound,
                File.Exists(path) ? $"'{path}' is a file; migrations live in a folder." : $"The migration folder '{path}' does not exist.",
                "Nothing was touched.",
                "New-PgMigration creates the folder with its first migration.");
        }

        // What has sections comes before the plain files, whose names theirs are.
        MigrationSource[] sources =
        [
            new PrismaFolders(), new PrismaOperations(), new DieselFolders(), new FlywayFiles(), new UpDownPairs(), new DbmateFiles(),
                new GooseFiles(),
            new SqlMigrateFiles(), new NodePgMigrateFiles(), new NumberedFiles(),
        ];
        var programs = new ProgramFiles();
        var seeds = new SeedFiles();
        var strays = new List<string>();
        var orphans = new List<string>();
        var entries = folder.GetFileSystemInfos().Where(entry => entry.Name[0] is not ('.' or '_')).ToList();
        RefuseBrokenNames(folder, entries);
        var names = entries.Select(entry => entry.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var info in entries)
        {
            var entry = new SourceEntry(info, names);
            if (!seeds.Offer(entry) && !Array.Exists(sources, source => source.Offer(entry)) && !programs.Offer(entry)
                && StrayOf(entry, info) is { } stray)
            {
                (IsDownScript(entry) ? orphans : strays).Add(IsDownScript(entry) ? entry.Name : stray);
            }
        }

        foreach (var source in sources.Append(seeds))
        {
            source.Complete();
            strays.AddRange(source.Strays);
        }

        var found = sources.Where(source => source.FirstEntry is not null).ToList();
        if (found is [{ TakesPlainFiles: true } host, NumberedFiles plain])
        {
            host.Files.AddRange(plain.Files);
            found.Remove(plain);
        }

        if (found.Count == 0 && strays.TrueForAll(stray => stray.EndsWith(InSubfolder, StringComparison.Ordinal))
            && programs.FirstEntry is null && seeds.FirstEntry is null)
        {
            MigrationsBelow.Refuse(folder);
        }

        if (found is [var single]
            && single.Shape is MigrationShape.Prisma or MigrationShape.PrismaOperations or MigrationShape.Diesel or MigrationShape.Hasura)
        {
            // These tools look into folders alone; a loose file is not a migration to them unless it is named like one.
            strays.RemoveAll(stray => stray.EndsWith(NoVersion, StringComparison.Ordinal));
        }

        var passedOver = Settle(orphans, folder.FullName, found, strays);
        Refuse(path, found, strays);
        var only = found.FirstOrDefault();
        var files = only?.Files ?? [];
        programs.Complete(files);
        files.AddRange(programs.Files);
        var shape = only?.Shape ?? (files.Count > 0 ? programs.Shape : MigrationShape.Empty);
        files.Sort((left, right) => MigrationVersion.OrderOf(shape).Compare(left.Version, right.Version));
        RefuseDuplicates(path, files);
        var result = new MigrationFolder(path, shape, files)
        {
            PassedOver = [.. sources.Append(programs).SelectMany(source => source.PassedOver), .. passedOver],
            Repeatables = only?.Repeatables.OrderBy(file => file.Version, StringComparer.Ordinal).ToList() ?? [],
            Seeds = seeds.Files.OrderBy(file => file.Version, StringComparer.Ordinal).ToList(),
        };
        foreach (var file in variables is null ? [] : result.Scripts)
        {
            file.Variables = variables;
            file.Down?.Variables = variables;
        }

        return result;
    }

    /// <summary>Reads a folder and its scripts, but not the seeds, which run on request only.</summary>
    /// <exception cref="PgOpsException">As <see cref="Read"/>; MigrationScriptInvalid for a file that is not text.</exception>
    internal static MigrationFolder ReadWhole(string path, ScriptVariables? variables = null)
    {
        var folder = Read(path, variables);
        foreach (var file in folder.Files.Concat(folder.Repeatables))
        {
            _ = file.Checksum;
        }

        return folder;
    }

    /// <summary>Has the scripts read as a session reads them: a role or a database may have another standard_conforming_strings.</summary>
    /// <exception cref="PgOpsException">MigrationSourceInvalid: a name that the history of this database cannot hold.</exception>
    internal void ReadAs(NpgsqlConnection session)
    {
        RequireNames(session.PostgresParameters.GetValueOrDefault("server_encoding") ?? "UTF8");
        foreach (var file in Scripts)
        {
            file.ConformingStrings = session.PostgresParameters.GetValueOrDefault("standard_conforming_strings") != "off";
        }
    }

    private void RequireNames(string encoding)
    {
        var letters = ServerEncoding.Of(encoding);
        if (!ServerEncoding.IsKnown(encoding)
            || Scripts.FirstOrDefault(file => letters.GetString(letters.GetBytes(file.Name)) != file.Name) is not { } file)
        {
            return;
        }

        var own = System.IO.Path.GetFileName(file.Path);
        var path = own.Contains(file.Name, StringComparison.Ordinal) ? file.Path : System.IO.Path.GetDirectoryName(file.Path)!;
        var name = System.IO.Path.GetFileName(path);
        var possible = string.Concat(name.EnumerateRunes().Select(
            rune => letters.GetString(letters.GetBytes(rune.ToString())) == rune.ToString() ? rune.ToString() : "_"));
        throw new PgOpsException(
            PgErrorCode.MigrationSourceInvalid,
            $"The history is to hold the name of '{name}', and the database's encoding, {encoding}, lacks a letter of it.",
            "Nothing was touched.",
            $"Give it another name: Rename-Item -LiteralPath {CommandText.Argument(path)} {CommandText.Argument(possible)}");
    }

    /// <summary>Why an entry that no shape took must not be passed over; null when it may.</summary>
    private static string? StrayOf(SourceEntry entry, FileSystemInfo info)
    {
        if (info is DirectoryInfo folder)
        {
            return VersionedName().IsMatch(entry.Name)
                ? $"{entry.Name} (a folder without migration.sql or up.sql)"
                : folder.EnumerateFiles("*.sql").FirstOrDefault() is { } lost ? $"{entry.Name}/{lost.Name}{InSubfolder}" : null;
        }

        if (!entry.IsSql)
        {
            return null;
        }

        return $"{entry.Name}{NoVersion}";
    }

    private static bool IsDownScript(SourceEntry entry)
        => entry.IsSql && entry.Name.EndsWith(DownEnding, StringComparison.OrdinalIgnoreCase) && VersionedName().IsMatch(entry.Name);

    /// <summary>
    /// What becomes of down scripts without a file of their name: where the version has none either they do nothing among numbered files;
    /// where it has one, the two were meant to be a pair.
    /// </summary>
    /// <returns>Those that do nothing, with the reason.</returns>
    private static List<string> Settle(List<string> orphans, string folder, List<MigrationSource> found, List<string> strays)
    {
        var passedOver = new List<string>();
        foreach (var orphan in orphans)
        {
            var version = orphan[..orphan.AsSpan().IndexOfAnyExceptInRange('0', '9')];
            var same = found.SelectMany(source => source.Files)
                .FirstOrDefault(file => MigrationVersion.Order.Equals(file.Version, version));
            if (same is null && found is ([] or [NumberedFiles]))
            {
                passedOver.Add($"{orphan} (there is no migration of version {version} that it could undo)");
            }
            else if (same is { Down: null, Section: null } && found is [NumberedFiles])
            {
                var name = System.IO.Path.GetFileNameWithoutExtension(same.Path) + DownEnding;
                strays.Add($"{orphan} (it is not the down script of {System.IO.Path.GetFileName(same.Path)}, for their names differ: "
                    + $"Rename-Item -LiteralPath {CommandText.Argument(System.IO.Path.Combine(folder, orphan))} "
                    + $"{CommandText.Argument(name)})");
            }
            else
            {
                strays.Add(same is null ? $"{orphan} (no {orphan[..^DownEnding.Length]}.sql or .up.sql that it could undo)"
                    : $"{orphan} (version {version} has what undoes it elsewhere: delete this file, or give it a name that begins with _)");
            }
        }

        return passedOver;
    }

    private static void Refuse(string path, List<MigrationSource> found, List<string> strays)
    {
        if (found.Count > 1)
        {
            var kinds = found.Select(source => $"{source.Kind} such as {source.FirstEntry}").ToList();
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{path}' mixes {(found.Count == 2 ? "two" : found.Count)} shapes: {string.Join(", ", kinds[..^1])} and {kinds[^1]}.",
                "Nothing was touched.",
                "Keep one shape in a folder; which of them comes first is nothing that PgOps may guess.");
        }

        if (strays.Count > 0)
        {
            strays.Sort(StringComparer.Ordinal);
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{path}' holds what is not a migration by its name:\n  {string.Join("\n  ", strays)}",
                "Nothing was touched.",
                "Rename or move these files. Read are <version>_<name>.sql (also with the sections of dbmate, goose, sql-migrate or "
                    + "node-pg-migrate), optionally with <version>_<name>.down.sql; <version>_<name>.up.sql and .down.sql; "
                    + "Flyway's V<version>__<name>.sql, U<version>__<name>.sql and R__<name>.sql; Prisma's <version>_<name>/migration.sql; "
                    + "Diesel's and Hasura's <version>_<name>/up.sql and down.sql. Names that begin with . or _ are passed over.");
        }
    }

    /// <summary>A file's name can hold anything; a shell is to take it for a name.</summary>
    private static string ForShell(string name) => name.Length == 0 ? "" : $"'{name.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Refuses names that are not UTF-8: the system gives them with U+FFFD, and by that name there is no file.</summary>
    private static void RefuseBrokenNames(DirectoryInfo folder, List<FileSystemInfo> entries)
    {
        if (entries.Find(entry => entry.Name.Contains('\uFFFD', StringComparison.Ordinal)) is { } broken)
        {
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{folder.FullName}' holds a file whose name is not valid UTF-8: '{broken.Name}'.",
                "Nothing was touched.",
                $"Rename it in a shell (? stands for what cannot be read): cd {ForShell(folder.FullName)} && "
                    + $"mv -- {string.Join('?', broken.Name.Split('\uFFFD').Select(ForShell))} "
                    + ForShell(broken.Name.Replace('\uFFFD', '_')));
        }
    }

    private static void RefuseDuplicates(string path, List<MigrationFile> files)
    {
        if (files.GroupBy(file => file.Version, MigrationVersion.Order).FirstOrDefault(same => same.Skip(1).Any()) is { } twice)
        {
            var (one, other) = (twice.First(), twice.ElementAt(1));
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{path}' holds two migrations of version {other.Version}: {one} and {other}.",
                "Nothing was touched.",
                "Give the one that is applied nowhere yet a newer version; New-PgMigration never collides.");
        }
    }

    [GeneratedRegex(@"^[0-9][0-9-]*[_-]+.", RegexOptions.CultureInvariant)]
    private static partial Regex VersionedName();
}
