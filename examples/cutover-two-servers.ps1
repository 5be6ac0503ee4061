<#
.SYNOPSIS
    Cuts an application over to a database on another server, and goes back when any step fails.
.DESCRIPTION
    Switch-PgDatabase renames on one server; this is for two. The steps, each of them checked:

    1. require     both can be reached, are two databases, and nothing on the old one is waiting to be written (prepared transactions)
    2. read-only   the old one takes no writes any more (default_transaction_read_only), and its sessions are ended
    3. transfer    -Transfer brings over what the new one lacks; without it, it must be there already
    4. compare     the new one, read-only too, holds exactly what the old one holds, and nobody wrote to the old one meanwhile
    5. open        the new one takes writes
    6. switch      the section -Service of -ServiceFile names the new one, replaced at once; or -Switch, a command of your own
    7. probe       -Check, as Test-PgDatabase takes it, passes

    When a step fails, or you stop the script, the switch is taken back, the new one is read-only again if it was opened, and the old one
    takes writes as before. What was written to the new one between its opening and a failed probe stays there, and nowhere else: the
    error says when there is such.

    Afterwards the old one is kept, read-only. The planned way back is the same command with -Old and -New changed over.

    default_transaction_read_only is a default: a session that sets it off can write. Nothing that a role may do is forbidden here; what
    wrote in spite of it is noticed, and ends in the way back.
.EXAMPLE
    ./examples/cutover-two-servers.ps1 -Old service=shop -New 'host=db2 dbname=shop' -ServiceFile /etc/pg_service.conf -Service shop `
        -Check 'https://shop.example/health'
.EXAMPLE
    $transfer = { param($old, $new) Backup-PgDatabase $old | Restore-PgDatabase -Target $new -Force -Confirm:$false }
    $switch = { param($from, $to) kubectl set env deploy/shop "PGHOST=$($to.Host)"; if ($LASTEXITCODE) { throw 'kubectl failed' } }
    ./examples/cutover-two-servers.ps1 -Old $old -New $new -Transfer $transfer -Switch $switch -Check ./checks, 'https://shop.example/ready'
#>
#Requires -Version 7.4
[CmdletBinding(DefaultParameterSetName = 'Service', SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    # The database that serves the application now: an object of New-PgTarget, or what New-PgTarget takes.
    [Parameter(Mandatory)] [object] $Old,

    # The database on the other server.
    [Parameter(Mandatory)] [object] $New,

    # The connection service file whose section is to name the new one.
    [Parameter(Mandatory, ParameterSetName = 'Service')] [string] $ServiceFile,

    # The section of the service file.
    [Parameter(Mandatory, ParameterSetName = 'Service')] [string] $Service,

    # Instead: a command of your own that points the application from one target to another. It is called with both; to go back, with
    # both changed over, also when it failed half-way.
    [Parameter(Mandatory, ParameterSetName = 'Command')] [scriptblock] $Switch,

    # What must pass afterwards: SQL files, script blocks, URLs and probes, as -Check of Test-PgDatabase.
    [Parameter(Mandatory)] [object[]] $Check,

    # Brings the last changes over while nothing is written; called with the old target and the new one.
    [scriptblock] $Transfer,

    # Schemas that the comparison leaves out.
    [string[]] $ExcludeSchema = @(),

    # The psql to use.
    [string] $Psql = 'psql'
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module PgOps)) { Import-Module (Join-Path $PSScriptRoot '../PgOps.psd1') }
$Old, $New = $Old, $New | ForEach-Object { $_ -is [PgOps.PgTarget] ? $_ : $_ -is [PgOps.PgSandbox] ? $_.Target : (New-PgTarget $_) }

# Runs one statement as a session that may write whatever the database's default is. The password travels in the environment.
function Invoke-Psql([PgOps.PgTarget] $Target, [string] $Sql) {
    $variables = $Target.GetEnvironment()
    $variables['PGOPTIONS'] = "$($variables['PGOPTIONS']) -c default_transaction_read_only=off -c statement_timeout=0".Trim()
    $saved = @{}
    foreach ($name in $variables.Keys) {
        $saved[$name] = [Environment]::GetEnvironmentVariable($name)
        [Environment]::SetEnvironmentVariable($name, $variables[$name])
    }
    try {
        $rows = & $Psql -X -q -A -t -v ON_ERROR_STOP=1 -c $Sql
        if ($LASTEXITCODE -ne 0) { throw "psql on $Target ended with exit code $LASTEXITCODE." }
        $rows
    }
    # A $null would become an empty text, which libpq takes for a value.
    finally { foreach ($name in $saved.Keys) { [Environment]::SetEnvironmentVariable($name, $saved[$name] ?? [NullString]::Value) } }
}

# The database's own setting: on, off, or nothing.
function Get-ReadOnly([PgOps.PgTarget] $Target) {
    Invoke-Psql $Target ("SELECT split_part(s, '=', 2) FROM pg_db_role_setting r, unnest(r.setconfig) s WHERE r.setrole = 0 " +
        "AND r.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s LIKE 'default_transaction_read_only=%'")
}

function Set-ReadOnly([PgOps.PgTarget] $Target, [string] $Value) {
    $what = $Value ? "SET default_transaction_read_only = $Value" : 'RESET default_transaction_read_only'
    Invoke-Psql $Target "DO `$do`$ BEGIN EXECUTE format('ALTER DATABASE %I $what', current_database()); END `$do`$"
}

# Ends every session but ours, until none is left: one that connects now is read-only.
function Stop-Session([PgOps.PgTarget] $Target) {
    $others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() " +
        "AND coalesce(backend_type, 'client backend') = 'client backend'"
    $before = Invoke-Psql $Target "SELECT coalesce(string_agg(pid::text, ','), '0') $others"
    for ($attempt = 0; $attempt -lt 50; $attempt++) {
        $left = Invoke-Psql $Target ("SELECT count(pg_terminate_backend(pid)) $others AND pid IN ($before)")
        if ($left -eq 0) { return }
        Start-Sleep -Milliseconds 200
    }
    throw "Sessions of $Target did not end: $left are left."
}

# How many rows were written since the server began to count. Up to version 14 sessions tell it with a delay: two counts must agree.
function Get-Write([PgOps.PgTarget] $Target) {
    $count = $null
    for ($attempt = 0; $attempt -lt 20; $attempt++) {
        $before = $count
        $count = Invoke-Psql $Target 'SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables'
        if ($count -eq $before) { return $count }
        Start-Sleep -Milliseconds 700
    }
    throw "The count of rows written to $Target does not come to rest."
}

# host, port and dbname of a section of a service file.
function Read-Service {
    $inside = $false
    $found = @{}
    $seen = 0
    foreach ($line in [System.IO.File]::ReadAllLines($ServiceFile)) {
        if ($line -match '^\s*\[(.+)\]\s*$') {
            $inside = $Matches[1] -ceq $Service
            $seen += [int] $inside
        }
        elseif ($inside -and $line -match '^\s*(host|port|dbname)\s*=\s*(.*?)\s*$') { $found[$Matches[1]] = $Matches[2] }
    }
    if ($seen -ne 1) { throw "$ServiceFile has $seen sections [$Service]; one is needed. Nothing was changed." }
    $found
}

function Test-Service([PgOps.PgTarget] $Target) {
    $named = Read-Service
    $named.host -eq $Target.Host -and ($named.port ?? '5432') -eq "$($Target.Port)" -and $named.dbname -eq $Target.Database
}

# Lets the section name a target: written beside the file, then renamed over it. The rest of the file stays as it is.
function Set-Service([PgOps.PgTarget] $Target) {
    $values = [ordered]@{ host = $Target.Host; port = "$($Target.Port)"; dbname = $Target.Database }
    $inside = $false
    $lines = foreach ($line in [System.IO.File]::ReadAllLines($ServiceFile)) {
        if ($line -match '^\s*\[(.+)\]\s*$') {
            $inside = $Matches[1] -ceq $Service
            $line
            if ($inside) { $values.GetEnumerator() | ForEach-Object { "$($_.Key)=$($_.Value)" } }
        }
        elseif (-not ($inside -and $line -match '^\s*(host|hostaddr|port|dbname)\s*=')) { $line }
    }
    $beside = "$ServiceFile.$PID.new"
    Copy-Item -LiteralPath $ServiceFile $beside   # with its mode
    try {
        $file = [System.IO.FileStream]::new($beside, 'Create', 'Write')
        try {
            $file.Write([System.Text.UTF8Encoding]::new($false).GetBytes(($lines -join "`n") + "`n"))
            $file.Flush($true)
        }
        finally { $file.Dispose() }
        [System.IO.File]::Move($beside, $ServiceFile, $true)
    }
    finally { Remove-Item -LiteralPath $beside -ErrorAction Ignore }
}

function Invoke-Switch([PgOps.PgTarget] $From, [PgOps.PgTarget] $To) {
    if ($Switch) { $null = & $Switch $From $To; return }
    Set-Service $To
    if (-not (Test-Service $To)) { throw "[$Service] in $ServiceFile does not name $To." }
}

# 1. require
$places = $Old, $New | ForEach-Object { Invoke-Psql $_ 'SELECT pg_postmaster_start_time(), current_database()' }
if ($places[0] -eq $places[1]) { throw "$Old and $New are the same database. Nothing was changed." }
foreach ($target in $Old, $New) {
    if ((Invoke-Psql $target 'SELECT pg_is_in_recovery()') -eq 't') {
        throw "$target is a standby, which takes no writes. Nothing was changed."
    }
}
$readOnly = @{ Old = Get-ReadOnly $Old; New = Get-ReadOnly $New }
if ($readOnly.Old -eq 'on') {
    throw "$Old is read-only already: it was cut over before. Nothing was changed. To go back to it, give it as -New, and $New as -Old."
}
$null = Test-PgTarget $Old -Strict
$waiting = Invoke-Psql $Old 'SELECT string_agg(gid, '', '') FROM pg_prepared_xacts WHERE database = current_database()'
if ($waiting) {
    throw "Prepared transactions on $Old would be written later: $waiting. Nothing was changed. " +
        'COMMIT PREPARED or ROLLBACK PREPARED them.'
}
if (-not $Switch -and -not (Test-Service $Old)) { throw "[$Service] in $ServiceFile does not name $Old. Nothing was changed." }
if (-not $PSCmdlet.ShouldProcess("$Old", "Make it read-only, end its sessions and cut over to $New")) { return }

$clock = [System.Diagnostics.Stopwatch]::StartNew()
$step, $opened, $switched, $done, $failure, $lost = 'read-only', $false, $false, $false, $null, $false
try {
    # 2. read-only
    Set-ReadOnly $Old 'on'
    Stop-Session $Old
    $writes = Get-Write $Old

    $step = 'transfer'
    if ($readOnly.New -eq 'on') { Set-ReadOnly $New '' }
    if ($Transfer) { $null = & $Transfer $Old $New }

    $step = 'compare'
    Set-ReadOnly $New 'on'
    Stop-Session $New
    $leftOut = $ExcludeSchema ? @{ ExcludeSchema = $ExcludeSchema } : @{}
    $comparison = Compare-PgDatabase $Old $New @leftOut
    if (-not $comparison.Passed) {
        throw (@($comparison.Checks | Where-Object Status -EQ 'Failed' | ForEach-Object { "$($_.Name): $($_.Detail)" }) -join "`n")
    }
    if ((Get-Write $Old) -ne $writes) {
        throw "Something wrote to $Old although it is read-only: a session that sets default_transaction_read_only off."
    }

    $step = 'open'
    $arrived = Get-Write $New
    $opened = $true
    Set-ReadOnly $New ($readOnly.New -eq 'off' ? 'off' : '')
    Stop-Session $New
    $downtime = $clock.Elapsed

    $step = 'switch'
    $switched = $true
    Invoke-Switch $Old $New

    $step = 'probe'
    $test = Test-PgDatabase $New -Only Wraparound -Check $Check
    $failed = @($test.Checks | Where-Object { $_.Name -like 'check: *' -and $_.Status -ne 'Passed' })
    if ($failed) { throw ($failed.ForEach({ "$($_.Name): $($_.Detail)" }) -join "`n") }
    $done = $true
}
catch { $failure = $_ }
finally {
    # Also when the script is stopped.
    if (-not $done) {
        $state = try {
            if ($opened) {
                Set-ReadOnly $New 'on'
                Stop-Session $New
                $lost = (Get-Write $New) -ne $arrived
            }
            else { Set-ReadOnly $New $readOnly.New }
            if ($switched) { Invoke-Switch $New $Old }
            Set-ReadOnly $Old $readOnly.Old
            Stop-Session $Old
            "The application is back on $Old, which takes writes." +
                ($lost ? " $New is read-only and holds what was written to it meanwhile, and nowhere else." : '')
        }
        catch { "The way back failed: $_ Look at the default_transaction_read_only of $Old and $New, and at where the application points." }
        if (-not $failure) { Write-Warning "Stopped in the step $step. $state" }
    }
}
if ($failure) { throw "The cutover failed in the step ${step}: $failure`n$state" }

[pscustomobject]@{
    Old        = $Old
    New        = $New
    Comparison = $comparison
    Test       = $test
    Downtime   = $downtime
    Duration   = $clock.Elapsed
}
