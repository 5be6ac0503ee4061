# Loads PgOps into a load context of its own, so that other modules' Npgsql or Microsoft.Extensions.* do no harm.
# Only PgOps.Abstractions, which needs nothing but .NET, goes into the default context: its types are the ones scripts see.
# Each script-level call here costs some ten milliseconds of every import, so there are few.

try {
    $null = [System.Reflection.Assembly]::LoadFrom("$PSScriptRoot/bin/PgOps.Abstractions.dll")
}
catch [System.IO.FileNotFoundException] {
    throw ("PgOps is not built: '$PSScriptRoot/bin' holds no PgOps.Abstractions.dll. Run ./build.ps1 in the clone first, " +
        'or install the packaged module.')
}

$inner = Import-Module -Assembly ([PgOps.Loading.PgOpsLoadContext]::LoadCmdlets("$PSScriptRoot/bin")) -PassThru

# The binary module must go with this one, or 'Import-Module -Force' finds it loaded and exports nothing.
$MyInvocation.MyCommand.ScriptBlock.Module.OnRemove = { Remove-Module -ModuleInfo $inner -Force -ErrorAction Ignore }

Export-ModuleMember -Cmdlet *
