using System.Reflection;
using System.Runtime.Loader;

namespace PgOps.Loading;

/// <summary>
/// Loads PgOps' cmdlets, engine and their libraries apart from the host's, preferring the module's own folder, so that another
/// module's Npgsql or Microsoft.Extensions.* neither disturbs PgOps nor is disturbed by it
/// (https://learn.microsoft.com/powershell/scripting/dev-cross-plat/resolving-dependency-conflicts).
/// </summary>
public sealed class PgOpsLoadContext : AssemblyLoadContext
{
    private static readonly object Gate = new();
    private static PgOpsLoadContext? _current;

    private readonly string _folder;
    private readonly Assembly _cmdlets;

    private PgOpsLoadContext(string folder)
        : base("PgOps")
    {
        _folder = folder;
        _cmdlets = LoadFromAssemblyPath(Path.Combine(folder, "PgOps.Cmdlets.dll"));
    }

    /// <summary>The cmdlets' assembly, loaded on the first call and shared by every runspace of the process.</summary>
    /// <param name="folder">The folder that holds PgOps.Cmdlets.dll and its dependencies.</param>
    /// <returns>The assembly to hand to <c>Import-Module -Assembly</c>.</returns>
    /// <exception cref="PgOpsException">Another PgOps is loaded from elsewhere in this process.</exception>
    public static Assembly LoadCmdlets(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var wanted = Path.GetFullPath(folder);
        lock (Gate)
        {
            _current ??= new PgOpsLoadContext(wanted);
            var samePath = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
            if (!string.Equals(_current._folder, wanted, samePath))
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    $"This PowerShell process already holds PgOps from '{_current._folder}'; it cannot also load '{wanted}'.",
                    "The PgOps loaded first stays usable.",
                    "Start a new PowerShell and import the PgOps you want there.");
            }

            return _current._cmdlets;
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        ArgumentNullException.ThrowIfNull(assemblyName);

        // The public types must be the ones that scripts see, so they come from the default context.
        if (assemblyName.Name == "PgOps.Abstractions")
        {
            return typeof(PgOpsLoadContext).Assembly;
        }

        var own = Path.Combine(_folder, assemblyName.Name + ".dll");
        return File.Exists(own) && !IsForHost(assemblyName, own) ? LoadFromAssemblyPath(own) : null;
    }

    // Who listens to spans, OpenTelemetry or a script, does so in the host's assembly, and hears no other copy's. An older host's would not
    // do.
    private static bool IsForHost(AssemblyName name, string own)
        => name.Name == "System.Diagnostics.DiagnosticSource"
            && typeof(System.Diagnostics.Activity).Assembly.GetName().Version >= AssemblyName.GetAssemblyName(own).Version;
}
