using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Checks.User;

namespace PgOps.Cmdlets.Checks;

/// <summary>What -Check was given, as checks that the engine can run.</summary>
internal sealed class UserCheckParameter
{
    private readonly PSCmdlet _cmdlet;
    private readonly Func<Func<UserCheckAnswer>, Task<UserCheckAnswer>> _onPipeline;
    private int _scripts;

    private UserCheckParameter(PSCmdlet cmdlet, Func<Func<UserCheckAnswer>, Task<UserCheckAnswer>> onPipeline)
    {
        _cmdlet = cmdlet;
        _onPipeline = onPipeline;
    }

    /// <summary>
    /// The checks, in their order; the files of a folder or a pattern by name. What is not a check ends the cmdlet before it does anything.
    /// </summary>
    /// <param name="cmdlet">The cmdlet that has the parameter.</param>
    /// <param name="onPipeline">Runs something on the pipeline thread.</param>
    /// <param name="given">The parameter's value.</param>
    internal static IReadOnlyList<UserCheck> Read(
        PSCmdlet cmdlet, Func<Func<UserCheckAnswer>, Task<UserCheckAnswer>> onPipeline, object[]? given)
    {
        try
        {
            var reader = new UserCheckParameter(cmdlet, onPipeline);
            return [.. (given ?? []).SelectMany(check => reader.Read(check, null))];
        }
        catch (PgOpsException error)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.From(error));
            throw;
        }
    }

    private List<UserCheck> Read(object? given, string? name) => (given is PSObject wrapped ? wrapped.BaseObject : given) switch
    {
        ScriptBlock script => [Script(script, name ?? FormattableString.Invariant($"script {++_scripts}"))],
        IDictionary probe when HttpProbe.IsIn(probe) => [HttpCheck.Of([HttpProbe.Read((IDictionary)Bare(probe)!)], name)],
        IDictionary named when name is null =>
            named.Cast<DictionaryEntry>().SelectMany(entry => Read(entry.Value, $"{entry.Key}")).ToList(),
        Uri url => [new HttpCheck(url.OriginalString, name)],
        string url when HttpCheck.IsUrl(url) => [new HttpCheck(url, name)],
        IList flow when flow.Count > 0 && flow.Cast<object?>().All(IsProbe) =>
            [HttpCheck.Of([.. flow.Cast<object?>().Select(Probe)], name)],
        FileSystemInfo file => Files(WildcardPattern.Escape(file.FullName), name),
        string path => Files(path, name),
        var other => throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"A {other?.GetType().Name ?? "$null"} is not a check.",
            "Nothing was tested.",
            "-Check takes SQL files and folders, script blocks, http and https URLs, probes (@{ Uri = …; Method = 'POST' }) and lists of "
            + "them, and @{ name = one of these }."),
    };

    private static bool IsProbe(object? given) => Bare(given) switch
    {
        IDictionary table => HttpProbe.IsIn(table),
        Uri => true,
        var text => text is string url && HttpCheck.IsUrl(url),
    };

    private static HttpProbe Probe(object? given)
        => HttpProbe.Read(Bare(given) as IDictionary ?? new OrderedDictionary { ["Uri"] = Bare(given) });

    /// <summary>A value without PowerShell's wrapping, also within tables and lists; an object with properties is a table.</summary>
    private static object? Bare(object? given) => (given is PSObject wrapped ? wrapped.BaseObject : given) switch
    {
        PSCustomObject => Table(((PSObject)given!).Properties.Select(property => ((object)property.Name, (object?)property.Value))),
        IDictionary table => Table(table.Cast<DictionaryEntry>().Select(entry => (entry.Key, (object?)entry.Value))),
        IList list => list.Cast<object?>().Select(Bare).ToList(),
        var value => value,
    };

    private static OrderedDictionary Table(IEnumerable<(object Key, object? Value)> pairs)
    {
        var table = new OrderedDictionary();
        foreach (var (key, value) in pairs)
        {
            table.Add(key, Bare(value));
        }

        return table;
    }

    private DelegateCheck Script(ScriptBlock script, string name)
        => new(name, (target, timeout, token) => _onPipeline(() => ScriptCheck.Run(script, target, timeout, _cmdlet.WriteWarning, token)));

    private List<UserCheck> Files(string path, string? name)
    {
        var files = Resolve(path)
            .SelectMany(file => Directory.Exists(file)
                ? Directory.GetFiles(file, "*.sql").Order(StringComparer.Ordinal)
                : Enumerable.Repeat(file, 1)).ToList();
        if (files.Count == 0)
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound, $"There is no SQL file at {path}.", "Nothing was tested.", "Check the path given with -Check.");
        }

        if (files.Find(file => file.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase)) is { } script)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{script} is not an SQL file.", "Nothing was tested.",
                $"Give a script block that calls it: {{ {script} $_ }}.");
        }

        return files.ConvertAll(UserCheck (file) => new SqlCheck(
            file, files.Count == 1 ? name : name is null ? null : $"{name}: {Path.GetFileNameWithoutExtension(file)}"));
    }

    private List<string> Resolve(string path)
    {
        try
        {
            var found = _cmdlet.SessionState.Path.GetResolvedProviderPathFromPSPath(path, out var provider);
            return provider.Name == "FileSystem" ? [.. found] : [];
        }
        catch (SessionStateException)
        {
            // No such file, no such drive.
            return [];
        }
    }
}
