<#
.SYNOPSIS
    A nightly restore drill as a Pester suite: every database's newest backup is restored and compared. Copy it and make it yours.
.EXAMPLE
    $container = New-PesterContainer -Path ./examples/RestoreDrill.Tests.ps1 -Data @{ Backups = '/srv/backups' }
    Invoke-Pester -Container $container -CI
#>
param(
    # The folder that holds the backups.
    [string] $Backups = './backups',

    # How old the newest backup may be.
    [timespan] $MaxAge = '26:00:00',

    # How long the recovery may take.
    [timespan] $MaxRecoveryTime = '01:00:00'
)

BeforeDiscovery {
    $latest = @(Get-PgBackup $Backups -Latest)
}

Describe 'Nightly restore drill' {
    It 'finds backups' -TestCases @{ Count = $latest.Count } {
        $Count | Should -BeGreaterThan 0
    }
}

Describe 'Restore drill of <_.Database>' -ForEach $latest {
    BeforeAll {
        $backup = $_
        $drill = $backup | Test-PgRestore
    }

    It 'the newest backup is fresh' {
        $backup.Age | Should -BeLessThan $MaxAge
    }

    It 'restores, and every table equals the backup''s own snapshot' {
        $drill.Checks.Where({ $_.Status -eq 'Failed' }) | ForEach-Object { "$_" } | Should -BeNullOrEmpty
        $drill.Passed | Should -BeTrue
    }

    It 'compares at least one table' {
        $drill.TablesCompared | Should -BeGreaterThan 0
    }

    It 'recovers in time' {
        $drill.RecoveryTime | Should -BeLessThan $MaxRecoveryTime
    }
}
