<#
.SYNOPSIS
    A nightly restore drill as a Pester suite: every database's newest backup is restored and compared. Copy it and BeProven.ps1, and
    make them yours. It needs Pester 5.5 or newer and PgOps: installed, or imported before (Import-Module <clone>/PgOps.psd1).
.EXAMPLE
    $container = New-PesterContainer -Path ./examples/RestoreDrill.Tests.ps1 -Data @{ Backups = '/srv/backups' }
    Invoke-Pester -Container $container -CI
#>
param(
    # The folder that holds the backups.
    [string] $Backups = './backups',

    # How old the newest backup may be: 26 hours. As .NET reads it, '26:00:00' would be 26 days.
    [timespan] $MaxAge = '1.02:00:00',

    # How long the recovery may take.
    [timespan] $MaxRecoveryTime = '01:00:00',

    # Databases of which there must be a backup: one that is not backed up any more is missed by nobody else.
    [string[]] $Database = @(),

    # Files for the report over all drills: .html, .md, .xml, .json.
    [string[]] $Report = @()
)

BeforeDiscovery {
    $latest = @(Get-PgBackup $Backups -Latest)
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'BeProven.ps1')
    $drills = [System.Collections.Generic.List[object]]::new()
}

AfterAll {
    if ($Report -and $drills) { $drills | Export-PgReport $Report -Title 'Nightly restore drill' -Force }
}

Describe 'nightly restore drill' {
    It 'finds backups' -TestCases @{ Count = $latest.Count } {
        $Count | Should -BeGreaterThan 0
    }

    # Pester 6 refuses an empty -ForEach.
    foreach ($name in $Database) {
        It "finds one of $name" -TestCases @{ Name = $name } {
            Get-PgBackup $Backups -Database $Name -Latest | Should -Not -BeNullOrEmpty
        }
    }

    if (-not $latest) { return }

    Context 'of <_.Database>' -ForEach $latest {
        BeforeAll {
            $backup = $_
            $drill = $backup | Test-PgRestore
            $drills.Add($drill)
        }

        It 'has a fresh backup' {
            $backup.Age | Should -BeLessThan $MaxAge
        }

        It 'restores, and every table equals the backup''s own snapshot' {
            $drill | Should -BeProven
        }

        It 'recovers in time' {
            $drill.RecoveryTime | Should -BeLessThan $MaxRecoveryTime
        }
    }
}
