BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $migrations = New-MigrationFolder @{ '001_evil.sql' = 'CREATE TABLE "<script>alert(1)</script> | ]]>" (a int);' }
    $backups = Join-Path $TestDrive 'backups'
    $run = Invoke-PgMigration $sandbox -Path $migrations
    $drill = Backup-PgDatabase $sandbox -Path $backups | Test-PgRestore
    $records = @($run, $drill, (Get-PgBackup $backups), (Get-PgBackup $backups | Test-PgBackup), (Test-PgTarget $sandbox),
        ($drill.Backup | Compare-PgDatabase -Difference $sandbox),
        (Restore-PgDatabase $drill.Backup $sandbox -Database copy -Confirm:$false))
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
        $broken = New-MigrationFolder @{
            '001_evil.sql' = (Get-Content (Join-Path $migrations '001_evil.sql') -Raw)
            '002_no.sql'   = 'DROP TABLE nowhere;'
        }
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

    It 'refuses before the pipeline works, and replaces a file of somebody else''s with -Force only' {
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

    It 'writes a red report of nothing, and of what it cannot read' {
        { @() | Export-PgReport none.json -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidArgument*'
        (Get-Content none.json -Raw | ConvertFrom-Json).outcome | Should -Be 'failed'
        $null = 1, $drill | Export-PgReport one.json -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'InvalidArgument*'
        $one = Get-Content one.json -Raw | ConvertFrom-Json
        $one.results.kind | Should -Be 'error', 'drill'
        $one.outcome | Should -Be 'failed'
    }

    It 'replaces its own earlier report, but no postmortem does' {
        $null = $drill | Export-PgReport own.html, own.md
        $null = $drill | Export-PgReport own.html, own.md -Title 'again'
        Get-Content own.html -Raw | Should -BeLike '*again*'
        { Export-PgReport own.md -Postmortem -ErrorAction Stop } | Should -Throw -ErrorId 'PathInaccessible*'
        Get-Content own.md -Raw | Should -BeLike '*again*'
    }

    It 'holds the errors of the commands before it, once, and none of those after it' {
        $null = Get-PgBackup ./nowhere -ErrorAction SilentlyContinue | Test-PgRestore | Export-PgReport before.json
        (Get-Content before.json -Raw | ConvertFrom-Json).results.title | Should -Be 'Error: PathNotFound'
        $null = & { $drill; Get-PgBackup ./nowhere -ErrorAction Continue } 2>&1 | Export-PgReport merged.json
        (Get-Content merged.json -Raw | ConvertFrom-Json).results.kind | Should -Be 'drill', 'error'
        $null = $drill | Export-PgReport after.json -PassThru | ForEach-Object { Get-PgBackup ./nowhere -ErrorAction SilentlyContinue }
        (Get-Content after.json -Raw | ConvertFrom-Json).outcome | Should -Be 'passed'
    }

    It 'says until the end that the work has not ended' {
        $null = $drill | Export-PgReport unended.json
        { & { $drill; throw 'broke' } | Export-PgReport unended.json } | Should -Throw 'broke'
        $report = Get-Content unended.json -Raw | ConvertFrom-Json
        $report.outcome | Should -Be 'failed'
        $report.results.checks.detail | Should -BeLike '*has not ended*'
    }

    It 'with -Strict makes a failed, an incomplete and a missing result an error, after the report' {
        $null = $drill | Export-PgReport strict.json -Strict
        { $records[2] | Export-PgReport strict.json -Strict } | Should -Not -Throw
        { Get-PgBackup ./nowhere -ErrorAction SilentlyContinue | Export-PgReport strict.json -Strict } |
            Should -Throw -ErrorId 'CheckFailed*'
        { Test-PgTarget 'postgresql://nobody@localhost:1/x?connect_timeout=2' | Export-PgReport strict.json -Strict } |
            Should -Throw -ErrorId 'CheckFailed*'
        (Get-Content strict.json -Raw | ConvertFrom-Json).results.kind | Should -Be 'target-test'
        "$($Error[0])" | Should -BeLike "*Next:*Invoke-Item *strict.json*"
        { @() | Export-PgReport strict.json -Strict } | Should -Throw -ErrorId 'InvalidArgument*'
        $null = @() | Export-PgReport strict.json -Strict -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem.FullyQualifiedErrorId | Should -BeLike 'InvalidArgument*'
    }
}

Describe 'the nightly line' {
    BeforeAll {
        # As the README shows it, and the help.
        $shown = 'README.md', 'docs/help/Export-PgReport.md' | ForEach-Object {
            [regex]::Match((Get-Content (Join-Path $PgOpsRoot $_) -Raw), '(?m)^Get-PgBackup .*\| Export-PgReport .*-Strict.*$').Value
        }
        $line = $shown[0]
        $line | Should -BeLike 'Get-PgBackup ./backups -Latest | Test-PgRestore * | Export-PgReport drill.html, drill.xml *'
        $shown[1] | Should -Be $line
        $good = (Resolve-Path $backups).Path

        # A night: the line in a script, as a scheduler runs it, in a folder with these backups.
        function Invoke-Night([string] $Folder, [string] $First = '') {
            Set-Content "$Folder/night.ps1" "Import-Module '$PgOpsModule'", $First, $line
            Push-Location $Folder
            try { $said = Invoke-Pwsh -File night.ps1 2>&1 }
            finally { Pop-Location }
            [pscustomobject]@{
                ExitCode = $LASTEXITCODE
                Said     = $said -join "`n" -replace '\e\[[0-9;]*m'
                Page     = Get-Content "$Folder/drill.html" -Raw
                Failures = [int](([xml](Get-Content "$Folder/drill.xml" -Raw)).testsuites.testsuite | Measure-Object failures -Sum).Sum
            }
        }

        function New-Site([string] $Name, [string] $From) {
            $site = (New-Item -ItemType Directory (Join-Path $TestDrive $Name)).FullName
            if ($From) { Copy-Item $From "$site/backups" -Recurse } else { $null = New-Item -ItemType Directory "$site/backups" }
            $site
        }
    }

    It 'works every night, and is red from the night on when the backup is damaged' {
        $site = New-Site nights $good
        foreach ($night in 1, 2) {
            $run = Invoke-Night $site
            $run.ExitCode | Should -Be 0 -Because $run.Said
            $run.Page | Should -BeLike '*The backup is proven*'
            $run.Failures | Should -Be 0
        }
        Get-ChildItem "$site/backups" -Recurse -Filter globals.sql | ForEach-Object { Add-Content $_.FullName ' ' }
        $run = Invoke-Night $site
        $run.ExitCode | Should -Be 1
        $run.Said | Should -BeLike '*Export-PgReport `[CheckFailed`] (night.ps1:3)*hashes: damaged: globals.sql*'
        $run.Page | Should -BeLike '*do not rely on it*'
        $run.Failures | Should -Be 1
        Set-Content "$site/drill.html" 'mine'
        (Invoke-Night $site).ExitCode | Should -Be 1
        Get-Content "$site/drill.html" | Should -Be 'mine'
    }

    It 'is red where there is no backup, no folder, and no way to drill' {
        $site = New-Site none ''
        $run = Invoke-Night $site
        $run.ExitCode | Should -Be 1
        $run.Page | Should -BeLike '*no result came down the pipeline*'
        $run.Failures | Should -Be 1
        Remove-Item "$site/backups" -Recurse
        foreach ($start in '', "`$ErrorActionPreference = 'Stop'") {
            $run = Invoke-Night $site $start
            $run.ExitCode | Should -Be 1
            $run.Said | Should -BeLike '*PathNotFound*'
            $run.Failures | Should -Be 1
        }
        $site = New-Site nowhere $good
        $run = Invoke-Night $site '$PSDefaultParameterValues = @{ ''Test-PgRestore:BinPath'' = ''/nowhere'' }'
        $run.ExitCode | Should -Be 1 -Because $run.Said
        $run.Failures | Should -BeGreaterThan 0
    }

    It 'is red for pwsh -Command too' {
        $site = New-Site command $good
        Get-ChildItem "$site/backups" -Recurse -Filter globals.sql | ForEach-Object { Add-Content $_.FullName ' ' }
        Push-Location $site
        try { $null = Invoke-Pwsh -Command "Import-Module '$PgOpsModule'; $line" 2>&1 }
        finally { Pop-Location }
        $LASTEXITCODE | Should -Be 1
        Get-Content "$site/drill.html" -Raw | Should -BeLike '*do not rely on it*'
    }
}

Describe 'Export-PgReport and incidents' {
    It 'writes nothing under -WhatIf' {
        $drill | Export-PgReport whatif.html -WhatIf
        Export-PgReport whatif.md -Postmortem -WhatIf
        Export-PgReport -Postmortem -WhatIf
        Test-Path whatif.*, docs | Should -Be $false, $false
    }

    It 'makes a postmortem''s folder below the current one and says where' {
        $file = $drill | Export-PgReport -Postmortem -Title 'Orders: not taken'
        $day = [DateTime]::UtcNow.ToString('yyyy-MM-dd')
        $file.FullName | Should -Be (Join-Path $TestDrive "docs/postmortems/$day-orders-not-taken.md")
        { Export-PgReport -Postmortem -Title 'Orders: not taken' -ErrorAction Stop } | Should -Throw -ErrorId 'PathInaccessible*'
    }

    It 'begins a postmortem from the history, the backups and a log' {
        $null = Test-PgRestore $drill.Backup -LogPath drill.jsonl 6>$null
        $null = Export-PgReport incident.md -Postmortem -Title 'It broke' -Target $sandbox -BackupPath $backups `
            -FromLog drill.jsonl -Since (Get-Date).AddHours(-1)
        $text = Get-Content incident.md -Raw
        $text |
            Should -BeLike ('# Postmortem: It broke*## Root cause*002\_no failed*## Impact*## Data loss' +
                '*newest proven whole backup of shop*## Timeline*001\_evil was applied*| log |' +
                '*## Resolution*## Prevention*## Evidence*')
        $text | Should -Not -BeLike "*$($sandbox.Target.GetEnvironment()['PGPASSWORD'])*"
    }
}
