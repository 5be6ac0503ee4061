<#
.SYNOPSIS
    Runs the nightly restore drill for a CI: results as JUnit or NUnit XML, reports for people, exit code 1 when anything is wrong. To copy
    it take RestoreDrill.Tests.ps1 and BeProven.ps1 along; PgOps is then an installed module, or -ModulePath names it.
.EXAMPLE
    pwsh -NoProfile -File ./examples/Invoke-RestoreDrill.ps1 -Backups /srv/backups -Results ./results
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # The folder that holds the backups.
    [string] $Backups = './backups',

    # The folder for drill.xml (the tests), report.html and report.md; it is made when it is not there.
    [string] $Results = './results',

    # The form of the tests' results.
    [ValidateSet('JUnitXml', 'NUnitXml', 'NUnit2.5', 'NUnit3')]
    [string] $Format = 'JUnitXml',

    # How old the newest backup may be: 26 hours. As .NET reads it, '26:00:00' would be 26 days.
    [timespan] $MaxAge = '1.02:00:00',

    # How long the recovery may take.
    [timespan] $MaxRecoveryTime = '01:00:00',

    # Databases of which there must be a backup.
    [string[]] $Database = @(),

    # The module. Default: the clone's, or the installed one where this script was copied out of the clone.
    [string] $ModulePath = (
        (Join-Path $PSScriptRoot '../PgOps.psd1'), 'PgOps' |
        Where-Object { $_ -eq 'PgOps' -or (Test-Path $_) } | Select-Object -First 1
    )
)

$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.5
if (-not (Get-Module PgOps)) { Import-Module $ModulePath }
$null = New-Item -ItemType Directory -Force $Results

$run = New-PesterConfiguration
$run.Run.Container = New-PesterContainer -Path (Join-Path $PSScriptRoot 'RestoreDrill.Tests.ps1') -Data @{
    Backups         = (Resolve-Path $Backups).Path
    MaxAge          = $MaxAge
    MaxRecoveryTime = $MaxRecoveryTime
    # pwsh -File hands a list over as one text.
    Database        = @($Database -split ',' -ne '')
    Report          = 'report.html', 'report.md' | ForEach-Object { Join-Path (Resolve-Path $Results).Path $_ }
}
$run.Run.PassThru = $true
$run.Output.Verbosity = 'Detailed'
$run.TestResult.Enabled = $true
$run.TestResult.OutputFormat = $Format
$run.TestResult.OutputPath = Join-Path $Results 'drill.xml'
if ((Invoke-Pester -Configuration $run).Result -ne 'Passed') { exit 1 }
