<#
.SYNOPSIS
    Runs the examples of every cmdlet's help, as they are written and in their order, and writes the results to a JSON file.
.DESCRIPTION
    Each cmdlet gets a runspace of its own and the world that the examples speak of: a sandbox with the database shop, which
    DATABASE_URL names; a working folder with ./migrations, two applied and two pending, and ./backups with a proven backup;
    ./fleet.csv with two more databases; and the service legacy, a database with objects, dbmate's table and
    no history of PgOps'.
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
    param([string] $Module, [string] $Cmdlet, [string] $Folder)

    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    Import-Module $Module

    $null = New-Item -ItemType Directory -Force (Join-Path $Folder 'migrations')
    Set-Location $Folder
    @{
        '001_create_customers.sql' = 'CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
            INSERT INTO customers (name) SELECT ''customer '' || n FROM generate_series(1, 100) AS n;'
        '002_create_orders.sql'    = 'CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, total numeric);'
        '003_add_order_note.sql'   = 'ALTER TABLE orders ADD COLUMN note text;'
        '004_index_orders.sql'     = 'CREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);'
    }.GetEnumerator() | ForEach-Object { Set-Content -Path "migrations/$($_.Key)" -Value $_.Value }

    $sandbox = Start-PgSandbox shop
    $server = $sandbox.Target
    $server.GetEnvironment().GetEnumerator() | ForEach-Object { [Environment]::SetEnvironmentVariable($_.Key, $_.Value) }
    $null = 'eu', 'us', 'legacy' | ForEach-Object { & psql -X -q -v ON_ERROR_STOP=1 -c "CREATE DATABASE $_" }
    if ($LASTEXITCODE -ne 0) { throw 'The databases of the examples could not be made.' }

    $null = $server.WithDatabase('legacy') | Invoke-PgMigration -ToVersion 2 -HistorySchema elsewhere
    $null = & psql -X -q -v ON_ERROR_STOP=1 -d legacy -c "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)" -c "INSERT INTO schema_migrations VALUES ('001'), ('002')"
    $null = Invoke-PgMigration $server -ToVersion 2
    $null = Backup-PgDatabase $server | Test-PgRestore -Strict

    'eu', 'us' | ForEach-Object { [pscustomobject]@{ Name = $_; ComputerName = $server.Host; Port = $server.Port; Database = $_; Username = $server.Username } } |
        Export-Csv fleet.csv
    Set-Content pg_service.conf "[legacy]`nhost=$($server.Host)`nport=$($server.Port)`ndbname=legacy`nuser=$($server.Username)"
    $env:PGSERVICEFILE = Join-Path $Folder 'pg_service.conf'
    $env:DATABASE_URL = $server.GetConnectionUri()
    $env:SHOP_PASSWORD = 'secret of the example'

    $PgOpsResults = foreach ($PgOpsExample in (Get-Help $Cmdlet -Full).examples.example) {
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

$results = foreach ($cmdlet in (Import-PowerShellDataFile $Module).CmdletsToExport) {
    $shell = [powershell]::Create()
    try {
        $shell.AddScript($run).AddParameters(@{ Module = $Module; Cmdlet = $cmdlet; Folder = Join-Path $Folder $cmdlet }).Invoke()
    }
    catch {
        [pscustomobject]@{ Cmdlet = $cmdlet; Title = 'preparation'; Code = ''; Output = ''; Error = "$($_.Exception.InnerException ?? $_)" }
    }
    finally {
        $shell.Dispose()
    }
}
ConvertTo-Json -InputObject @($results) -Depth 3 | Set-Content $ResultPath
