<#
.SYNOPSIS
    Runs the examples of every cmdlet's help, as they are written and in their order, and writes the results to a JSON file.
.DESCRIPTION
    Each cmdlet that changes something gets a runspace of its own and the world of ExampleGround.ps1; those whose examples
    only read share one.
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
    param([string] $Module, [string[]] $Cmdlets, [string] $Folder, [string] $Ground)

    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    Import-Module $Module

    $PgOpsExamples = @{}
    foreach ($name in $Cmdlets) { $PgOpsExamples[$name] = (Get-Help $name -Full).examples.example }
    . $Ground $Folder -NoBackup:(-not ($PgOpsExamples.Values.code -match 'backup|drill'))
    $env:SHOP_PASSWORD = 'secret of the example'

    foreach ($name in $Cmdlets) {
        # In a scope of its own: what the examples of one cmdlet leave in variables is not there for those of the next.
        & {
            param($PgOpsCmdlet)
            foreach ($PgOpsExample in $PgOpsExamples[$PgOpsCmdlet]) {
                $PgOpsResult = [ordered]@{
                    Cmdlet = $PgOpsCmdlet
                    Title = $PgOpsExample.title
                    Code = $PgOpsExample.code
                    Output = ''
                    Error = $null
                }
                try {
                    $PgOpsResult.Output = . ([scriptblock]::Create($PgOpsExample.code)) | Out-String
                }
                catch {
                    $PgOpsResult.Error = "$_"
                }
                [pscustomobject] $PgOpsResult
            }
        } $name
    }

    $sandbox | Stop-PgSandbox
}

$ground = Join-Path $PSScriptRoot 'ExampleGround.ps1'
$reading, $changing = (Import-PowerShellDataFile $Module).CmdletsToExport.Where(
    { $_ -match '^(Get|Test|Compare)-|^New-PgTarget$' -and $_ -ne 'Test-PgDatabase' }, 'Split')
$worlds = @(, @($reading)) + @($changing | ForEach-Object { , @($_) })
$results = foreach ($cmdlets in $worlds) {
    # A sign of life: build.ps1 ends suites that are silent for long.
    Write-Host "Examples of $($cmdlets -join ', ')"
    $shell = [powershell]::Create()
    try {
        $world = @{ Module = $Module; Cmdlets = $cmdlets; Folder = Join-Path $Folder $cmdlets[0]; Ground = $ground }
        $shell.AddScript($run).AddParameters($world).Invoke()
    }
    catch {
        $message = "$($_.Exception.InnerException ?? $_)"
        foreach ($cmdlet in $cmdlets) {
            [pscustomobject]@{ Cmdlet = $cmdlet; Title = 'preparation'; Code = ''; Output = ''; Error = $message }
        }
    }
    finally {
        $shell.Dispose()
    }
}
ConvertTo-Json -InputObject @($results) -Depth 3 | Set-Content $ResultPath
