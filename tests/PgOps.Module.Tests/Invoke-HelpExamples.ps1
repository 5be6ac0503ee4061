<#
.SYNOPSIS
    Runs the examples of every cmdlet's help, as they are written and in their order, and writes the results to a JSON file.
.DESCRIPTION
    Each cmdlet gets a runspace of its own and the world of ExampleGround.ps1.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Module,
    [Parameter(Mandatory)] [string] $Folder,
    [Parameter(Mandatory)] [string] $ResultPath
)

$ErrorActionPreference = 'Stop'

$run = {
    param([string] $Module, [string] $Cmdlet, [string] $Folder, [string] $Ground)

    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    Import-Module $Module

    $PgOpsExamples = (Get-Help $Cmdlet -Full).examples.example
    . $Ground $Folder -NoBackup:(-not ($PgOpsExamples.code -match 'backup|drill'))
    $env:SHOP_PASSWORD = 'secret of the example'

    $PgOpsResults = foreach ($PgOpsExample in $PgOpsExamples) {
        $PgOpsResult = [ordered]@{ Cmdlet = $Cmdlet; Title = $PgOpsExample.title; Code = $PgOpsExample.code; Output = ''; Error = $null }
        try {
            $PgOpsResult.Output = . ([scriptblock]::Create($PgOpsExample.code)) | Out-String
        }
        catch {
            $PgOpsResult.Error = "$_"
        }
        [pscustomobject] $PgOpsResult
    }

    $sandbox | Stop-PgSandbox
    $PgOpsResults
}

$ground = Join-Path $PSScriptRoot 'ExampleGround.ps1'
$results = foreach ($cmdlet in (Import-PowerShellDataFile $Module).CmdletsToExport) {
    # A sign of life: build.ps1 ends suites that are silent for long.
    Write-Host "Examples of $cmdlet"
    $shell = [powershell]::Create()
    try {
        $shell.AddScript($run).AddParameters(@{ Module = $Module; Cmdlet = $cmdlet; Folder = Join-Path $Folder $cmdlet; Ground = $ground }).Invoke()
    }
    catch {
        [pscustomobject]@{ Cmdlet = $cmdlet; Title = 'preparation'; Code = ''; Output = ''; Error = "$($_.Exception.InnerException ?? $_)" }
    }
    finally {
        $shell.Dispose()
    }
}
ConvertTo-Json -InputObject @($results) -Depth 3 | Set-Content $ResultPath
