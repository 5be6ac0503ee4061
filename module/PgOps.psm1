# Loads PgOps into a load context of its own, so that other modules' Npgsql or Microsoft.Extensions.* do no harm.
# Only PgOps.Abstractions, which needs nothing but .NET, goes into the default context: its types are the ones scripts see.

$bin = [System.IO.Path]::Combine($PSScriptRoot, 'bin')
if (-not [System.IO.File]::Exists([System.IO.Path]::Combine($bin, 'PgOps.Cmdlets.dll'))) {
    throw "PgOps is not built: '$bin' holds no PgOps.Cmdlets.dll. Run ./build.ps1 in the clone first, or install the packaged module."
}

$null = [System.Reflection.Assembly]::LoadFrom([System.IO.Path]::Combine($bin, 'PgOps.Abstractions.dll'))
$inner = Import-Module -Assembly ([PgOps.Loading.PgOpsLoadContext]::LoadCmdlets($bin)) -PassThru

# The binary module must go with this one, or 'Import-Module -Force' finds it loaded and exports nothing.
$ExecutionContext.SessionState.Module.OnRemove = { Remove-Module -ModuleInfo $inner -Force -ErrorAction Ignore }.GetNewClosure()

Export-ModuleMember -Cmdlet @($inner.ExportedCmdlets.Keys)
