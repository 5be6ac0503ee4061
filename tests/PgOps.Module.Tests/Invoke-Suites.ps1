<#
.SYNOPSIS
    Runs every Pester suite of the module and of the examples in this process. build.ps1 starts it in a fresh one.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # Only suites whose file name matches.
    [string] $Name = '*',

    # A file to write the counts to, as JSON.
    [string] $CountsPath
)

$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.5
$configuration = New-PesterConfiguration
$configuration.Run.Path = @(Get-ChildItem $PSScriptRoot -Filter "$Name.Tests.ps1" | ForEach-Object FullName)
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$result = Invoke-Pester -Configuration $configuration
if ($CountsPath) {
    $null = New-Item -ItemType Directory -Force (Split-Path $CountsPath)
    @{
        # A suite that fails before its tests counts as one failure: none of its tests did run.
        Passed  = $result.PassedCount
        Failed  = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
        Skipped = $result.SkippedCount + $result.NotRunCount + $result.InconclusiveCount
    } | ConvertTo-Json | Set-Content $CountsPath
}
if ($result.Result -ne 'Passed') { exit 1 }
