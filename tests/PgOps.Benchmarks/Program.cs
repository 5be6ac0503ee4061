using System.Globalization;
using PgOps.Benchmarks;

// Benchmarks, run by hand, side by side in one run; only the ratios carry over to another machine.
//
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- migrations
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- migrations --rounds 11 --no-sync apply nothing one status process seed
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- backups --rounds 3 --scale 100 pipe
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- restores --rounds 3 --scale 50 indexed amcheck steps

if (args is not ["migrations" or "backups" or "restores", ..])
{
    Console.Error.WriteLine("usage: migrations [--rounds N] [--no-sync] [apply] [nothing] [one] [status] [process] [seed]");
    Console.Error.WriteLine("       backups [--rounds N] [--no-sync] [--scale N] [pipe]");
    Console.Error.WriteLine("       restores [--rounds N] [--scale N] [indexed] [amcheck] [steps]");
    return 2;
}

var rounds = Number("--rounds", 7);
var chosen = args.Skip(1).Where(argument => char.IsAsciiLetterLower(argument[0])).ToHashSet(StringComparer.Ordinal);
await using var ground = await Ground.CreateAsync(
    sync: !args.Contains("--no-sync"), args[0] == "restores" ? RestoreRaces.DefaultSettings : "");
await (args[0] switch
{
    "backups" => new BackupRaces(ground, rounds, Number("--scale", 100)).RunAsync(chosen),
    "restores" => new RestoreRaces(ground, rounds, Number("--scale", 50)).RunAsync(chosen),
    _ => new MigrationRaces(ground, rounds).RunAsync(chosen),
});
return 0;

int Number(string name, int standard)
{
    var place = Array.IndexOf(args, name);
    return place < 0 ? standard : int.Parse(args[place + 1], CultureInfo.InvariantCulture);
}
