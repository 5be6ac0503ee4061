<#
.SYNOPSIS
    Runs every Pester suite of the module and of the examples in this process. build.ps1 starts it in a fresh one.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # Only these suites; 'Loading' is Loading.Tests.ps1. Wildcards are allowed.
    [string[]] $Name = '*',

    # All but these.
    [string[]] $Except = @(),

    # A file to write the counts to, as JSON.
    [string] $CountsPath
)

$ErrorActionPreference = 'Stop'
# build.ps1 Test fetches Pester to there where it is not installed.
$fetched = Join-Path $PSScriptRoot '../../out/modules'
$env:PSModulePath = (@($env:PSModulePath) + $fetched) -join [System.IO.Path]::PathSeparator
Import-Module Pester -MinimumVersion 5.5
$configuration = New-PesterConfiguration
# pwsh -File hands a list over as one text.
$Name = $Name -split ','
$Except = $Except -split ',' -ne ''
$suites = @(Get-ChildItem $PSScriptRoot -Filter '*.Tests.ps1' | Where-Object {
        $suite = $_.Name -replace '\.Tests\.ps1$'
        $Name.Where({ $suite -like $_ }) -and -not $Except.Where({ $suite -like $_ })
    })
if (-not $suites) { throw "There is no suite $($Name -join ', ') in $PSScriptRoot." }
$configuration.Run.Path = @($suites.FullName)
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$result = Invoke-Pester -Configuration $configuration
if ($CountsPath) {
    $null = New-Item -ItemType Directory -Force (Split-Path $CountsPath)
    # A suite that fails before its tests counts as one failure: none of its tests did run.
    ConvertTo-Json @(foreach ($suite in $result.Containers) {
            $broken = @($result.FailedBlocks.BlockContainer) + @($result.FailedContainers) |
                Where-Object { "$($_.Item)" -eq "$($suite.Item)" }
            [pscustomobject]@{
                Suite   = [System.IO.Path]::GetFileName("$($suite.Item)") -replace '\.Tests\.ps1$'
                Passed  = $suite.PassedCount
                Names   = @(
                    $result.Failed | Where-Object { "$($_.Block.BlockContainer.Item)" -eq "$($suite.Item)" } |
                        ForEach-Object ExpandedPath
                )
                Failed  = $suite.FailedCount + @($broken).Count
                Skipped = $suite.SkippedCount + $suite.NotRunCount + $suite.InconclusiveCount
                Seconds = [Math]::Round($suite.Duration.TotalSeconds, 1)
            }
        }) | Set-Content $CountsPath
}
if ($result.Result -ne 'Passed') { exit 1 }
