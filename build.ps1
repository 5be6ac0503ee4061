#!/usr/bin/env pwsh
<#
.SYNOPSIS
    Builds, tests, packages and demonstrates PgOps.
.EXAMPLE
    ./build.ps1            # build, so that Import-Module ./PgOps.psd1 works
.EXAMPLE
    ./build.ps1 Demo       # the whole round on a throwaway server
.EXAMPLE
    ./build.ps1 Test       # xunit and Pester against a sandbox PostgreSQL
.EXAMPLE
    ./build.ps1 Demo -Bootstrap   # first installs PostgreSQL with apt, winget or brew when it is missing
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # What to do. Each task does what it needs first.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Package', 'Demo', 'Clean')]
    [string] $Task = 'Build',

    # Release is what is packaged; Debug for stepping through.
    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # Installs PostgreSQL's programs when they are missing.
    [switch] $Bootstrap
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$manifest = Import-PowerShellDataFile (Join-Path $root 'PgOps.psd1')

function Invoke-Dotnet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "dotnet $($args[0]) ended with exit code $LASTEXITCODE." }
}

# The PowerShell that runs this script, also when it came as a dotnet tool. A fresh process keeps no DLL of ours locked.
function Invoke-FreshPwsh {
    $pwsh = Join-Path $PSHOME ($IsWindows ? 'pwsh.exe' : 'pwsh')
    if (Test-Path $pwsh) { & $pwsh -NoProfile -NonInteractive @args } else { & dotnet (Join-Path $PSHOME 'pwsh.dll') -NoProfile -NonInteractive @args }
}

function Build-Module {
    Write-Host "Building PgOps $($manifest.ModuleVersion) ($Configuration)"
    Invoke-Dotnet publish (Join-Path $root 'src/PgOps.Cmdlets') -c $Configuration -o (Join-Path $root 'module/bin') --nologo -v quiet
    Invoke-FreshPwsh -File (Join-Path $root 'docs/help/Convert-HelpToMaml.ps1') -Module (Join-Path $root 'PgOps.psd1') `
        -DocComments (Join-Path $root 'module/bin') -Destination (Join-Path $root 'module/bin/en-US')
    if ($LASTEXITCODE -ne 0) { throw 'The help could not be made.' }
    Remove-Item (Join-Path $root 'module/bin/*') -Include '*.pdb', 'PgOps.*.xml', '*.deps.json' -ErrorAction Ignore
}

switch ($Task) {
    'Build' { Build-Module }
}
