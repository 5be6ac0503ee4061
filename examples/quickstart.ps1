<#
.SYNOPSIS
    The whole round of PgOps on a throwaway server: migrate, back up, prove, sabotage, migrate behind the proof.
.DESCRIPTION
    Starts a sandbox PostgreSQL, builds a small shop by migrations, backs it up, proves the backup by restoring it and comparing every
    table, shows that a damaged backup and a changed row are found, and applies the next release behind the proven backup.
    Everything lies in a temporary folder and is removed at the end. Returns an object with the figures.
.EXAMPLE
    Import-Module ./PgOps.psd1; ./examples/quickstart.ps1
#>
[CmdletBinding()]
param(
    # Say nothing, return the figures only.
    [switch] $Quiet
)

$ErrorActionPreference = 'Stop'
$clock = [System.Diagnostics.Stopwatch]::StartNew()
$name = "pgops-demo-$([guid]::NewGuid().ToString('N').Substring(0, 8))"
$work = (New-Item -ItemType Directory -Path ([System.IO.Path]::GetTempPath()) -Name $name).FullName
$migrations = Join-Path $PSScriptRoot 'shop/migrations'
$script:step = 0

function Show-Step([string] $Title) {
    if ($Quiet) { return }
    $script:step++
    Write-Host "`n$($PSStyle.Bold)$($PSStyle.Foreground.BrightCyan)$script:step  $Title$($PSStyle.Reset)"
}

function Show-Line([string] $Text, [ValidateSet('good', 'found', 'plain')] [string] $Mark = 'plain', [int] $Indent = 0) {
    if ($Quiet) { return }
    $sign = switch ($Mark) {
        'good' { "$($PSStyle.Foreground.BrightGreen)✓$($PSStyle.Reset)" }
        'found' { "$($PSStyle.Foreground.BrightYellow)!$($PSStyle.Reset)" }
        default { ' ' }
    }
    # A line that is wider than the terminal goes on under its own beginning, or where $Indent says.
    $width = [Console]::IsOutputRedirected ? [int]::MaxValue : [Math]::Max(60, $Host.UI.RawUI.WindowSize.Width) - 6
    $rest = $Text
    while ($rest.Length -gt $width) {
        $cut = $rest.LastIndexOf(' ', $width)
        if ($cut -le $Indent) { break }
        Write-Host "   $sign $($rest.Substring(0, $cut))"
        $sign = ' '
        $rest = ' ' * $Indent + $rest.Substring($cut + 1)
    }
    Write-Host "   $sign $rest"
}

function Invoke-Sql([PgOps.PgTarget] $Target, [string] $Sql) {
    # psql reads the target, its password included, from the environment; nothing secret stands on the command line.
    $psql = Get-Command psql -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if (-not $psql) { throw 'psql is not on the PATH; it comes with the PostgreSQL client programs.' }
    $saved = @{}
    foreach ($pair in $Target.GetEnvironment().GetEnumerator()) {
        $saved[$pair.Key] = [Environment]::GetEnvironmentVariable($pair.Key)
        [Environment]::SetEnvironmentVariable($pair.Key, $pair.Value)
    }
    try {
        $result = & $psql -X -q -A -t -v ON_ERROR_STOP=1 -c $Sql
        if ($LASTEXITCODE -ne 0) { throw "psql ended with exit code $LASTEXITCODE." }
        $result
    }
    finally {
        foreach ($name in $saved.Keys) { [Environment]::SetEnvironmentVariable($name, $saved[$name] ?? [NullString]::Value) }
    }
}

function Edit-Bit([string] $File) {
    $bytes = [System.IO.File]::ReadAllBytes($File)
    $bytes[[int]($bytes.Length / 2)] = $bytes[[int]($bytes.Length / 2)] -bxor 1
    [System.IO.File]::WriteAllBytes($File, $bytes)
}

$sandbox = $null
try {
    Show-Step 'A throwaway server'
    $sandbox = Start-PgSandbox -Database shop
    Show-Line ('PostgreSQL {0}, ready in {1:0.0} s; it disappears with this process' -f
        $sandbox.ServerVersion, $sandbox.StartupTime.TotalSeconds) good

    Show-Step 'Build the shop by migrations'
    $first = Invoke-PgMigration $sandbox -Path $migrations -ToVersion 20260202130000
    foreach ($migration in $first.Applied) {
        Show-Line ('{0}  {1,6:0.00} s' -f "$migration".PadRight(52), $migration.Duration.TotalSeconds) good
    }
    Show-Line "in the folder, for the next release: $([PgOps.PgAmount]::Of($first.StillPending, 'migration'))"

    Show-Step 'Back it up, inside one snapshot'
    $backup = Backup-PgDatabase $sandbox -Path (Join-Path $work 'backups')
    $rows = ($backup.Manifest.Tables | Measure-Object Rows -Sum).Sum
    Show-Line ('{0}, {1}, {2} on disk in {3:0.0} s, counts and content hashes included' -f
        [PgOps.PgAmount]::Of($backup.Manifest.Tables.Count, 'table'), [PgOps.PgAmount]::Of($rows, 'row'),
        [PgOps.PgSize]::Format($backup.Bytes), $backup.Duration.TotalSeconds) good

    Show-Step 'Prove it: restore into a fresh server and compare every table'
    $drill = $backup | Test-PgRestore
    $longest = ($drill.Checks.Name | Measure-Object Length -Maximum).Maximum
    foreach ($check in $drill.Checks) {
        $mark = $check.Status -eq 'Passed' ? 'good' : 'found'
        Show-Line "$($check.Name.PadRight($longest))  $($check.Detail)" $mark -Indent ($longest + 2)
    }
    if (-not $drill.Passed) { throw "The drill failed: $($drill.Failure)" }
    Show-Line ('recovered and verified in {0:0.0} s' -f $drill.RecoveryTime.TotalSeconds) good

    Show-Step 'Sabotage: one flipped bit in a copy of the backup'
    $damaged = Join-Path $work 'damaged'
    Copy-Item $backup.Path (Join-Path $damaged (Split-Path $backup.Path -Leaf)) -Recurse
    $victim = Get-ChildItem (Join-Path $damaged '*/data/*.dat.gz') | Sort-Object Length | Select-Object -Last 1
    Edit-Bit $victim.FullName
    $broken = Get-PgBackup $damaged | Test-PgRestore
    if ($broken.Passed) { throw 'The flipped bit went unnoticed.' }
    Show-Line "the drill fails before anything is restored: $($broken.Checks.Where({ $_.Status -eq 'Failed' })[0].Detail)" found

    Show-Step 'Sabotage: one changed value in a restored copy'
    $copy = Restore-PgDatabase $backup -Target $sandbox -Database shop_copy -Confirm:$false
    Invoke-Sql $copy.Target "UPDATE orders SET note = 'nobody will see this' WHERE id = 4711" | Out-Null
    $comparison = $backup | Compare-PgDatabase -Difference $copy.Target
    if ($comparison.Passed) { throw 'The changed value went unnoticed.' }
    Show-Line "the comparison names the table: $(($comparison.Differences | ForEach-Object { "$_" }) -join '; ')" found

    Show-Step 'The next release, behind the proven backup'
    $release = $drill | Invoke-PgMigration -Path $migrations
    foreach ($migration in $release.Applied) {
        Show-Line ('{0}  {1,6:0.00} s' -f "$migration".PadRight(52), $migration.Duration.TotalSeconds) good
    }
    Show-Line "each of them is recorded with the backup $($release.BackupId.Substring(0, 8))… that would undo it" good

    $figures = [pscustomobject]@{
        ServerVersion    = $sandbox.ServerVersion
        Migrations       = $first.Applied.Count + $release.Applied.Count
        Tables           = $drill.TablesCompared
        Rows             = $drill.Rows
        BackupBytes      = $backup.Bytes
        BackupTime       = $backup.Duration
        RecoveryTime     = $drill.RecoveryTime
        Proven           = $drill.Passed
        FlippedBitFound  = -not $broken.Passed
        ChangedTable     = "$($comparison.Differences | Select-Object -First 1 | ForEach-Object { "$($_.Schema).$($_.Name)" })"
        Version          = $release.ToVersion
        Duration         = $clock.Elapsed
    }
}
finally {
    if ($sandbox) { Stop-PgSandbox $sandbox }
    Remove-Item $work -Recurse -Force -ErrorAction Ignore
}

if (-not $Quiet) {
    $line = '─' * 74
    Write-Host "`n$($PSStyle.Foreground.BrightGreen)$line$($PSStyle.Reset)"
    Write-Host "   $($PSStyle.Bold)A backup is a backup only once it has been restored and found equal.$($PSStyle.Reset)"
    Write-Host ('   This one is: {0} in {1}, back in {2:0.0} s, every hash equal.' -f
        [PgOps.PgAmount]::Of($figures.Rows, 'row'), [PgOps.PgAmount]::Of($figures.Tables, 'table'), $figures.RecoveryTime.TotalSeconds)
    Write-Host ('   One flipped bit: found. One changed value: found, in {0}.' -f $figures.ChangedTable)
    Write-Host ('   {0}; the shop is at version {1}.' -f [PgOps.PgAmount]::Of($figures.Migrations, 'migration'), $figures.Version)
    Write-Host ('   {0:0.0} s in all; nothing is left behind.' -f $figures.Duration.TotalSeconds)
    Write-Host "$($PSStyle.Foreground.BrightGreen)$line$($PSStyle.Reset)`n"
}

$figures
