<#
.SYNOPSIS
    Applies the pending migrations to the database of DATABASE_URL: one migrator at a time, under an advisory lock.
.DESCRIPTION
    The folder may be of Prisma's, Flyway's, dbmate's ... shape. A database that another tool migrated so far is taken over once, by
    Import-PgMigrationHistory; until then the error says so. Anything wrong ends with an error and exit code 1.
.EXAMPLE
    $env:DATABASE_URL = 'postgresql://...'; powershell -ExecutionPolicy Bypass -File examples/db/migrate.ps1
.EXAMPLE
    ./examples/db/migrate.ps1 -Plan     # statement by statement, nothing is done
#>
[CmdletBinding()]
param(
    # The folder with the migrations. Default: prisma/migrations where it is there, else migrations.
    [string] $Path,

    # Shows the plan and does nothing.
    [switch] $Plan
)

$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot '_start.ps1')
$code = Invoke-InNewPowerShell $PSCommandPath $PSBoundParameters
if ($null -ne $code) { exit $code }
Import-PgOps

if (-not $env:DATABASE_URL) { Stop-Script 'DATABASE_URL is not set. Nothing was done.' }
if (-not $Path) { $Path = if (Test-Path prisma/migrations) { 'prisma/migrations' } else { 'migrations' } }
$run = Invoke-PgMigration -Path $Path -WhatIf:$Plan
if ($run) {
    foreach ($migration in $run.Applied) { Write-Host "Applied $migration" }
    Write-Host "$($run.Target) is at version $($run.ToVersion): $($run.Done)"
    $run
}
