<#
.SYNOPSIS
    The world that the examples of the help, the README and the about topics speak of. Dot-sourced in a session that has the module.
.DESCRIPTION
    A sandbox with the database shop, which DATABASE_URL and the PG* variables name; the given folder as the working folder, with
    ./migrations, two applied and two pending, and ./backups with a proven backup; ./fleet.csv with two more databases; the service
    legacy, a database with objects, dbmate's table and no history of PgOps'; the database old, which has objects alone.
    Leaves $sandbox, to be stopped, and $server.
#>
param(
    [Parameter(Mandatory)] [string] $Folder,

    # Without the proven backup, for examples that speak of none.
    [switch] $NoBackup
)

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
$null = 'eu', 'us', 'legacy', 'old' | ForEach-Object { & psql -X -q -v ON_ERROR_STOP=1 -c "CREATE DATABASE $_" }
if ($LASTEXITCODE -ne 0) { throw 'The databases of the examples could not be made.' }

$null = 'legacy', 'old' | ForEach-Object { $server.WithDatabase($_) | Invoke-PgMigration -ToVersion 2 -HistorySchema elsewhere }
$null = & psql -X -q -v ON_ERROR_STOP=1 -d legacy -c 'CREATE TABLE schema_migrations (version varchar PRIMARY KEY)' `
    -c "INSERT INTO schema_migrations VALUES ('001'), ('002')"
$null = & psql -X -q -v ON_ERROR_STOP=1 -d old -c 'DROP SCHEMA elsewhere CASCADE'
$null = Invoke-PgMigration $server -ToVersion 2
if (-not $NoBackup) { $null = Backup-PgDatabase $server | Test-PgRestore -Strict }

'eu', 'us' | ForEach-Object {
    [pscustomobject]@{ Name = $_; ComputerName = $server.Host; Port = $server.Port; Database = $_; Username = $server.Username }
} | Export-Csv fleet.csv
Set-Content pg_service.conf "[legacy]`nhost=$($server.Host)`nport=$($server.Port)`ndbname=legacy`nuser=$($server.Username)"
$env:PGSERVICEFILE = Join-Path $Folder 'pg_service.conf'
$env:DATABASE_URL = $server.GetConnectionUri()
