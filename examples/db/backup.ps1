<#
.SYNOPSIS
    Backs up the database of DATABASE_URL to one .sql.gz file with its .sha256, as runbooks call it, and proves it.
.DESCRIPTION
    The backup itself is a folder of PgOps' beside the file: its manifest holds every table's count and content hash, and a drill restores
    it into a throwaway server and compares. The named file is a copy of the dump in it, for whoever expects a file; restore.ps1 finds the
    folder by the file's hash. Nothing is ever overwritten. Anything wrong ends with an error and exit code 1.
.EXAMPLE
    $env:DATABASE_URL = 'postgresql://...'; powershell -ExecutionPolicy Bypass -File examples/db/backup.ps1
.EXAMPLE
    ./examples/db/backup.ps1 -Out "backups/pre-migration-$([datetime]::UtcNow.ToString('yyyyMMdd-HHmmss'))Z.sql.gz"
#>
[CmdletBinding()]
param(
    # The file. Default: backups/db-backup-<UTC time>.sql.gz.
    [string] $Out = "backups/db-backup-$([datetime]::UtcNow.ToString('yyyyMMdd-HHmmss'))Z.sql.gz",

    # Makes no drill: on a machine without PostgreSQL's server programs. The backup is complete then, and not proven.
    [switch] $NoDrill
)

$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot '_start.ps1')
$code = Invoke-InNewPowerShell $PSCommandPath $PSBoundParameters
if ($null -ne $code) { exit $code }
Import-PgOps

if (-not $env:DATABASE_URL) { Stop-Script 'DATABASE_URL is not set. Nothing was done.' }
if ($Out -notlike '*.sql.gz') { Stop-Script "-Out must end in .sql.gz, for that is what is written: '$Out'. Nothing was done." }
$file = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Out)
$hashFile = "$file.sha256"
foreach ($path in $file, $hashFile) {
    if (Test-Path -LiteralPath $path) { Stop-Script "$path is there already. Nothing was done. Give another name." }
}
$folder = Split-Path $file
$null = New-Item -ItemType Directory -Force $folder

$backup = Backup-PgDatabase -Path $folder -Format Plain
Write-Host "Backed up $($backup.Database) to $($backup.Path)"

if ($NoDrill) { Write-Warning "The backup is not proven: no drill was made. Test-PgRestore '$($backup.Path)' makes one." }
else {
    $drill = $backup | Test-PgRestore -Strict
    if (-not $drill.Proven) {
        Stop-Script ("The backup is not proven: $($drill.NotMade -join ', ') could not be made. " +
            "It is in $($backup.Path); no $Out was made.")
    }
    Write-Host ('Proven: {0} in {1} restored and equal, in {2:0.0} s' -f
        [PgOps.PgAmount]::Of($drill.Rows, 'row'), [PgOps.PgAmount]::Of($drill.TablesCompared, 'table'), $drill.RecoveryTime.TotalSeconds)
}

# Under its name the file is complete. Without -Force Move-Item overwrites nothing.
$partial = "$file.partial"
try {
    Copy-Item -LiteralPath (Join-Path $backup.Path $backup.Manifest.Payload.Path) $partial
    $hash = (Get-FileHash -LiteralPath $partial -Algorithm SHA256).Hash.ToLowerInvariant()
    $recorded = (Get-Content (Join-Path $backup.Path 'SHA256SUMS')).Where({ $_ -like "*  $($backup.Manifest.Payload.Path)" })
    if ($recorded -notlike "$hash *") { Stop-Script "The copy differs from the dump in $($backup.Path)." }
    Move-Item -LiteralPath $partial $file
    # As 'sha256sum backups/x.sql.gz' writes it, so that 'sha256sum -c backups/x.sql.gz.sha256' works in the same folder as this script did.
    [System.IO.File]::WriteAllText($hashFile, "$hash  $($Out -replace '\\', '/')`n")
}
finally { Remove-Item -LiteralPath $partial -ErrorAction Ignore }
Write-Host "Wrote $Out and $Out.sha256"
Get-Item -LiteralPath $file
