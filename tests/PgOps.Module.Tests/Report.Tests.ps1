BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $migrations = New-MigrationFolder @{ '001_evil.sql' = 'CREATE TABLE "<script>alert(1)</script> | ]]>" (a int);' }
    $backups = Join-Path $TestDrive 'backups'
    $run = Invoke-PgMigration $sandbox -Path $migrations
    $drill = Backup-PgDatabase $sandbox -Path $backups | Test-PgRestore
    $records = @($run, $drill, (Get-PgBackup $backups), (Get-PgBackup $backups | Test-PgBackup), (Test-PgTarget $sandbox),
        ($drill.Backup | Compare-PgDatabase -Difference $sandbox), (Restore-PgDatabase $drill.Backup $sandbox -Database copy -Confirm:$false))
    Push-Location $TestDrive
}

AfterAll {
    Pop-Location
    Stop-PgSandbox $sandbox
}

Describe 'Export-PgReport' {
    It 'writes every format of every record, by the files'' endings' {
        $files = $records | Export-PgReport all.html, all.md, all.xml, all.json
        $files.Name | Should -Be 'all.html', 'all.md', 'all.xml', 'all.json'
        $files | Should -BeOfType System.IO.FileInfo
        $report = Get-Content all.json -Raw | ConvertFrom-Json
        $report.results.kind | Should -Be 'migration-run', 'drill', 'backup', 'backup-test', 'target-test', 'comparison', 'restore'
        $report.outcome | Should -Be 'passed'
        $checks = $report.results.checks
        $suites = ([xml](Get-Content all.xml -Raw)).testsuites.testsuite
        @($suites.testcase).Count | Should -Be $checks.Count
        foreach ($file in $files) {
            $text = Get-Content $file -Raw
            $text | Should -Not -BeLike '*<script*'
            $text | Should -Not -BeLike "*$($sandbox.Target.GetEnvironment()['PGPASSWORD'])*"
        }
    }

    It 'takes the format that is given' {
        $null = $drill | Export-PgReport odd.report -Format JUnit
        ([xml](Get-Content odd.report -Raw)).testsuites.testsuite.name | Should -Be 'Restore drill of shop'
    }

    It 'reports errors that come with 2>&1, and is red' {
        $broken = New-MigrationFolder @{ '001_evil.sql' = (Get-Content (Join-Path $migrations '001_evil.sql') -Raw); '002_no.sql' = 'DROP TABLE nowhere;' }
        $null = Invoke-PgMigration $sandbox -Path $broken -ErrorAction Continue 2>&1 | Export-PgReport red.json
        $report = Get-Content red.json -Raw | ConvertFrom-Json
        $report.outcome | Should -Be 'failed'
        $report.results.kind | Should -Be 'error'
        $report.results.facts.Where({ $_.name -eq 'statement' }).value | Should -Be 'DROP TABLE nowhere'
    }

    It 'gathers the listing of migrations' {
        $null = Get-PgMigration $sandbox -Path $migrations | Export-PgReport listing.json
        (Get-Content listing.json -Raw | ConvertFrom-Json).results.kind | Should -Be 'migrations'
    }

    It 'hands the input on with -PassThru' {
        $drill | Export-PgReport through.html -PassThru | Should -Be $drill
        Test-Path through.html | Should -BeTrue
    }

    It 'refuses before the pipeline works, and replaces with -Force only' {
        Set-Content taken.html 'mine'
        $script:worked = $false
        { & { $script:worked = $true; $drill } | Export-PgReport taken.html -ErrorAction Stop } | Should -Throw -ErrorId 'PathInaccessible*'
        { $drill | Export-PgReport nowhere/x.html } | Should -Throw -ErrorId 'PathNotFound*'
        { $drill | Export-PgReport x.txt } | Should -Throw -ErrorId 'InvalidArgument*'
        $script:worked | Should -BeFalse
        Get-Content taken.html | Should -Be 'mine'
        $null = $drill | Export-PgReport taken.html -Force
        Get-Content taken.html -Raw | Should -BeLike '<!DOCTYPE html>*'
    }

    It 'writes no report of nothing, and says what it cannot read' {
        { @() | Export-PgReport none.html -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidArgument*'
        Test-Path none.html | Should -BeFalse
        $null = 1, $drill | Export-PgReport one.json -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'InvalidArgument*'
        @((Get-Content one.json -Raw | ConvertFrom-Json).results).Count | Should -Be 1
    }

    It 'writes nothing under -WhatIf' {
        $drill | Export-PgReport whatif.html -WhatIf
        Export-PgReport whatif.md -Postmortem -WhatIf
        Test-Path whatif.* | Should -BeFalse
    }

    It 'begins a postmortem from the history, the backups and a log' {
        $null = Test-PgRestore $drill.Backup -LogPath drill.jsonl 6>$null
        $null = Export-PgReport incident.md -Postmortem -Title 'It broke' -Target $sandbox -BackupPath $backups -FromLog drill.jsonl -Since (Get-Date).AddHours(-1)
        $text = Get-Content incident.md -Raw
        $text | Should -BeLike '# Postmortem: It broke*## Root cause*002\_no failed*## Impact*## Data loss*newest proven backup of shop*## Timeline*001\_evil was applied*| log |*## Resolution*## Prevention*## Evidence*'
        $text | Should -Not -BeLike "*$($sandbox.Target.GetEnvironment()['PGPASSWORD'])*"
    }
}
