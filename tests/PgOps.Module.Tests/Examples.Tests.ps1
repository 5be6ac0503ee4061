BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $examples = Join-Path $PgOpsRoot 'examples'
}

Describe 'examples' {
    It 'quickstart.ps1 does the whole round and leaves nothing behind' {
        $figures = & (Join-Path $examples 'quickstart.ps1') -Quiet
        $figures.Proven | Should -BeTrue
        $figures.FlippedBitFound | Should -BeTrue
        $figures.ChangedTable | Should -Be 'public.orders_2025_q3'
        $figures.Rows | Should -BeGreaterThan 300000
        $figures.Migrations | Should -Be 7
        Get-ChildItem ([System.IO.Path]::GetTempPath()) -Filter 'pgops-demo-*' | Should -BeNullOrEmpty
        Get-PgSandbox | Where-Object OwnerProcessId -EQ $PID | Should -BeNullOrEmpty
    }

    Context 'with a database and a backup' {
        BeforeAll {
            $sandbox = Start-PgSandbox -Database shop
            $backups = Join-Path $TestDrive 'backups'
            $migrations = Join-Path $examples 'shop/migrations'
            $null = Invoke-PgMigration $sandbox -Path $migrations -ToVersion 20260126120000
        }

        AfterAll {
            Stop-PgSandbox $sandbox
        }

        It 'release-pipeline.ps1 -WhatIf prints the plan and touches nothing' {
            & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups -WhatIf 6>$null
            Test-Path $backups | Should -BeFalse
            (Get-PgMigration $sandbox -Path $migrations -State Pending).Count | Should -Be 3
        }

        It 'release-pipeline.ps1 releases behind a proven backup' {
            $run = & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups 6>$null
            $run.ToVersion | Should -Be '20260216150000'
            $run.BackupId | Should -Be (Get-PgBackup $backups -Proven).Id
            & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups 6>$null | Should -BeNullOrEmpty
        }

        It 'RestoreDrill.Tests.ps1 passes on a good backup and fails on a damaged one' {
            $suite = "Import-Module '$PgOpsModule'; Import-Module Pester; (Invoke-Pester -Container (New-PesterContainer -Path '$examples/RestoreDrill.Tests.ps1' -Data @{ Backups = '{0}' }) -PassThru -Output None).Result"
            Invoke-Fresh ($suite -replace '\{0\}', $backups) | Should -Be 'Passed'
            $damaged = Join-Path $TestDrive 'damaged'
            Copy-Item $backups $damaged -Recurse
            Get-ChildItem $damaged -Recurse -Filter globals.sql | ForEach-Object { Add-Content $_.FullName ' ' }
            Invoke-Fresh ($suite -replace '\{0\}', $damaged) | Should -Be 'Failed'
        }
    }

    It 'ReleaseStep does the main job without PowerShell' {
        $said = dotnet run --project (Join-Path $examples 'ReleaseStep') -c Release 2>&1
        $LASTEXITCODE | Should -Be 0 -Because "$said"
        "$said" | Should -BeLike '*4. Drill passed*5. Released: 20260202130000 -> 20260216150000*'
    }
}
