<#
.SYNOPSIS
    Restores a backup file into the new, empty database of NEW_DATABASE_URL, and compares.
.DESCRIPTION
    The database must be there and be empty; it is not created, and nothing in a database is ever replaced. Where NEW_DATABASE_URL is not
    set, DATABASE_URL is taken, as runbooks for PowerShell have it. A file that backup.ps1 wrote is restored from the backup beside it and
    compared with its manifest, table by table; one made by others is checked by its .sha256 and counted. Without -Force the plan is
    shown and the exit code is 1. Anything wrong ends with an error and exit code 1.
.EXAMPLE
    $env:NEW_DATABASE_URL = 'postgresql://...'
    powershell -ExecutionPolicy Bypass -File examples/db/restore.ps1 -File backups/x.sql.gz -Force
#>
[CmdletBinding()]
param(
    # The backup: .sql.gz, .sql, .dump, .tar, or a backup's folder.
    [Parameter(Mandatory = $true)]
    [string] $File,

    # Really does it.
    [switch] $Force
)

$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot '_start.ps1')
$code = Invoke-InNewPowerShell $PSCommandPath $PSBoundParameters
if ($null -ne $code) { exit $code }
Import-PgOps

$url = if ($env:NEW_DATABASE_URL) { $env:NEW_DATABASE_URL } else { $env:DATABASE_URL }
if (-not $url) { Stop-Script 'Neither NEW_DATABASE_URL nor DATABASE_URL is set. Nothing was done.' }
if (-not (Test-Path -LiteralPath $File)) { Stop-Script "There is no $File. Nothing was done." }

$source = (Resolve-Path -LiteralPath $File).ProviderPath
if (Test-Path -LiteralPath "$source.sha256") {
    $null = Test-PgBackup $source -Strict
    Write-Host "The hash of $File is that of $File.sha256"
}

# The backup that the file is a copy of knows what must come out.
if ((Test-Path -LiteralPath $source -PathType Leaf) -and $source -like '*.sql.gz') {
    $hash = (Get-FileHash -LiteralPath $source -Algorithm SHA256).Hash
    $own = Get-ChildItem (Split-Path $source) -Directory | Where-Object { $_.Name -notlike '*.partial' } | Where-Object {
        $list = Join-Path $_.FullName 'SHA256SUMS'
        (Test-Path -LiteralPath $list) -and (Get-Content -LiteralPath $list) -like "$hash  *.sql.gz"
    } | Select-Object -First 1
    if ($own) {
        $source = $own.FullName
        Write-Host "$File is a copy of $source, which is restored"
    }
}

if (-not $Force) {
    Restore-PgDatabase $source -Target $url -IntoEmpty -WhatIf
    Stop-Script 'Nothing was done. Give -Force, too, when this is the right database.'
}
$restore = Restore-PgDatabase $source -Target $url -IntoEmpty -Confirm:$false
$compared = if ($restore.TablesVerified -gt 0) {
    "$([PgOps.PgAmount]::Of($restore.TablesVerified, 'table')) equal to the backup's manifest"
}
else { 'a dump made without PgOps has nothing to compare with' }
Write-Host ('Restored into {0}: {1}, {2}, {3:0.0} s' -f
    $restore.Target, [PgOps.PgAmount]::Of($restore.Rows, 'row'), $compared, $restore.Duration.TotalSeconds)
$restore
