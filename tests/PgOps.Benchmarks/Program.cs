// Benchmarks, run by hand, side by side in one run; only the ratios carry over to another machine.
//
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- migrations
//   dotnet run -c Release --project tests/PgOps.Benchmarks -- migrations --rounds 11 --no-sync apply nothing one status process seed
using System.Globalization;
using PgOps.Benchmarks;

if (args is not ["migrations", ..])
{
    Console.Error.WriteLine("usage: migrations [--rounds N] [--no-sync] [apply] [nothing] [one] [status] [process] [seed]");
    return 2;
}

var place = Array.IndexOf(args, "--rounds");
var rounds = place < 0 ? 7 : int.Parse(args[place + 1], CultureInfo.InvariantCulture);
var chosen = args.Skip(1).Where(argument => char.IsAsciiLetterLower(argument[0])).ToHashSet(StringComparer.Ordinal);
await using var ground = await Ground.CreateAsync(sync: !args.Contains("--no-sync"));
await new MigrationRaces(ground, rounds).RunAsync(chosen);
return 0;
