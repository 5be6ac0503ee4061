<#
.SYNOPSIS
    A release step for a pipeline: back up, prove the backup, migrate behind it. Any failure ends with an error and exit code 1.
.DESCRIPTION
    Takes the database from -Target, DATABASE_URL or the PG* variables. With -WhatIf it prints the plan, every statement of it, and
    touches nothing. When there is nothing to migrate it takes no backup.
.EXAMPLE
    $env:DATABASE_URL = 'postgresql://deploy@db.example/shop?sslmode=verify-full'
    pwsh -NoProfile -File ./examples/release-pipeline.ps1 -Migrations ./migrations -Backups /srv/backups
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    # The folder with the migrations.
    [string] $Migrations = './migrations',

    # The folder that holds the backups.
    [string] $Backups = './backups',

    # The database; default: DATABASE_URL, then the PG* variables.
    [object] $Target
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module PgOps)) { Import-Module (Join-Path $PSScriptRoot '../PgOps.psd1') }
$database = if ($Target) { @{ Target = $Target } } else { @{} }

$reached = Test-PgTarget @database -Strict
Write-Host "Release to $($reached.Target), PostgreSQL $($reached.ServerVersion), as $($reached.CurrentUser)"

$pending = @(Get-PgMigration @database -Path $Migrations | Where-Object State -notin 'Applied', 'Baselined')
if (-not $pending) {
    Write-Host 'Nothing is pending.'
    return
}

if ($WhatIfPreference) {
    Invoke-PgMigration @database -Path $Migrations -WhatIf
    return
}

$drill = Backup-PgDatabase @database -Path $Backups | Test-PgRestore -Strict
Write-Host ('Proven backup {0}: {1} in {2}, recovery in {3:0.0} s' -f $drill.Backup.Path,
    [PgOps.PgAmount]::Of($drill.Rows, 'row'), [PgOps.PgAmount]::Of($drill.TablesCompared, 'table'), $drill.RecoveryTime.TotalSeconds)

$run = Invoke-PgMigration @database -Path $Migrations -ProvenBy $drill
$took = '{0:0.0}' -f $run.Duration.TotalSeconds
Write-Host "Released $($run.FromVersion) -> $($run.ToVersion): $($run.Applied.Count) migrations in $took s"
$run
