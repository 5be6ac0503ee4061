<#
.SYNOPSIS
    A nightly runbook for Azure Automation: back up, drill, report. Anything wrong ends the job as failed.
.DESCRIPTION
    Runs on a Hybrid Runbook Worker: the cloud's own sandboxes start no programs, and a drill needs PostgreSQL's. On the worker: PowerShell
    7.4, PostgreSQL's server programs, the folder of backups, and PgOps, installed once as an administrator from the Gallery or from a
    folder with the .nupkg that ./build.ps1 Package makes:

        Register-PSResourceRepository ours -Uri //files/powershell -Trusted
        Install-PSResource PgOps -Repository ours -Scope AllUsers -NoClobber

    or unpacked from PgOps.zip anywhere, which -ModulePath names then.

    The password comes from the credential asset named by -CredentialName. Outside Azure Automation, where Get-AutomationPSCredential
    is not there, give -Credential. Nothing is asked.
.EXAMPLE
    $target = 'postgresql://db.example/shop?sslmode=verify-full'
    ./Invoke-RestoreDrillRunbook.ps1 -Target $target -CredentialName shop-backup -Backups D:\backups
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # The database to back up first, without a password. Default: only the backups that are there are drilled.
    [string] $Target,

    # The credential asset with the role and its password.
    [string] $CredentialName,

    # The credential itself, outside Azure Automation.
    [pscredential] $Credential,

    # The folder that holds the backups.
    [Parameter(Mandatory)]
    [string] $Backups,

    # How old the newest backup of each database may be, as -MaxDataLoss takes it.
    [object] $MaxAge = '26h',

    # The folder for the reports. Default: that of the backups.
    [string] $Reports = $Backups,

    # The module, when it is not installed.
    [string] $ModulePath = 'PgOps'
)

$ErrorActionPreference = 'Stop'
$ConfirmPreference = 'None'
$ProgressPreference = 'SilentlyContinue'
Import-Module $ModulePath

$login = @{}
if ($CredentialName -and (Get-Command Get-AutomationPSCredential -ErrorAction Ignore)) {
    $login.Credential = Get-AutomationPSCredential -Name $CredentialName
    if (-not $login.Credential) { throw "Azure Automation has no credential asset '$CredentialName'." }
}
elseif ($Credential) { $login.Credential = $Credential }
elseif ($CredentialName) { throw 'Get-AutomationPSCredential is not there: this is not a runbook worker. Give -Credential.' }

if ($Target) {
    $backup = Backup-PgDatabase -Target $Target @login -Path $Backups
    Write-Output "Backed up $($backup.Database) to $($backup.Path)."
}

$newest = @(Get-PgBackup $Backups -Latest)
if (-not $newest) { throw "There is no complete backup of a whole database in $Backups." }

# One that cannot even be drilled is an error in the stream; the others are drilled all the same, and the report names it.
$results = @($newest | Test-PgRestore -MaxDataLoss $MaxAge -ErrorAction Continue 2>&1)
$stamp = [datetime]::UtcNow.ToString('yyyyMMdd-HHmmssZ')
$report = $results | Export-PgReport (Join-Path $Reports "drill_$stamp.html") -Title "Restore drill of $stamp"
$results | Where-Object { $_ -is [PgOps.PgDrill] } | ForEach-Object {
    $verdict = $_.Proven ? ($_.Passed ? 'proven' : "proven, yet failed at $($_.Failure)") : 'NOT PROVEN'
    Write-Output ('{0}: {1}, {2} in {3}, recovery in {4:0.0} s' -f $_.Database, $verdict,
        [PgOps.PgAmount]::Of($_.Rows, 'row'), [PgOps.PgAmount]::Of($_.TablesCompared, 'table'), $_.RecoveryTime.TotalSeconds)
}

$bad = @($results | Where-Object { -not ($_.Proven -and $_.Passed) })
if ($bad) { throw "Not proven, or too old: $($bad.Count) of $([PgOps.PgAmount]::Of($newest.Count, 'backup')). See $($report.FullName)." }
