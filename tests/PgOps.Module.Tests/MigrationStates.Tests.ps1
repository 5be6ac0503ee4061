# Every state that Get-PgMigration knows, made for real.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox states
    $target = $sandbox.Target
    $folder = New-MigrationFolder ([ordered]@{
            'V1__applied.sql'     = "CREATE TABLE applied (id int);`n"
            'V2__changed.sql'     = "CREATE TABLE changed (`n    id int,`n    note text`n);`n"
            'V3__missing.sql'     = "CREATE TABLE missing (id int);`n"
            'V6__newest.sql'      = "CREATE TABLE newest (id int);`n"
            'R__settled.sql'      = "CREATE OR REPLACE VIEW settled AS SELECT 1 AS one;`n"
            'R__due.sql'          = "CREATE OR REPLACE VIEW due AS SELECT 1 AS one;`n"
        })
    $null = Invoke-PgMigration $target -Path $folder
    $null = Invoke-Sql $target 'INSERT INTO applied VALUES (1), (1)'

    # Interrupted: the migrator is killed in a statement that no transaction holds.
    $script = "-- pgops: no-transaction`nCREATE TABLE begun (id int);`nSELECT pg_sleep(600);`n"
    Set-Content (Join-Path $folder 'V7__interrupted.sql') $script -NoNewline
    $environment = @{}
    $target.GetEnvironment().GetEnumerator() | ForEach-Object { $environment[$_.Key] = $_.Value }
    $program, $first = Get-Pwsh
    $redirected = @{
        RedirectStandardOutput = Join-Path $TestDrive 'victim.out'
        RedirectStandardError  = Join-Path $TestDrive 'victim.err'
    }
    $victim = Start-Process $program -PassThru -Environment $environment @redirected -ArgumentList @(
        $first
        '-Command'
        "Import-Module '$PgOpsModule'; Invoke-PgMigration -Path '$folder'"
    )
    $asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'states' AND query LIKE 'SELECT pg_sleep%'"
    for ($patience = 0; [int](Invoke-Sql $target $asleep) -eq 0 -and $patience -lt 300; $patience++) { Start-Sleep -Milliseconds 50 }
    $victim.Kill()
    $victim.WaitForExit()
    $null = Invoke-Sql $target ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity " +
        "WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()")

    Set-Content (Join-Path $folder 'V2__changed.sql') "CREATE TABLE changed (`n    id bigint,`n    note text`n);`n" -NoNewline
    Remove-Item (Join-Path $folder 'V3__missing.sql')
    Set-Content (Join-Path $folder 'V4__newcomer.sql') "CREATE TABLE newcomer (id int);`n" -NoNewline
    Set-Content (Join-Path $folder 'V9__pending.sql') "CREATE TABLE pending (id int);`n" -NoNewline
    Set-Content (Join-Path $folder 'R__due.sql') "CREATE OR REPLACE VIEW due AS SELECT 2 AS one;`n" -NoNewline

    function Get-One([string] $Version) { Get-PgMigration $target -Path $folder -Detailed | Where-Object Version -EQ $Version }
}

AfterAll {
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Get-PgMigration' {
    It '<Version> is <State>' -ForEach @(
        @{ Version = '1'; State = 'Applied'; Remark = $null }
        @{ Version = '2'; State = 'Changed'; Remark = '*changed after it had been applied*' }
        @{ Version = '3'; State = 'Missing'; Remark = '*no file*' }
        @{ Version = '4'; State = 'OutOfOrder'; Remark = '*below 6*' }
        @{ Version = '7'; State = 'Interrupted'; Remark = 'Interrupted after 1 of 2 statements.' }
        @{ Version = '9'; State = 'Pending'; Remark = $null }
        @{ Version = 'R__settled'; State = 'Applied'; Remark = $null }
        @{ Version = 'R__due'; State = 'RepeatableDue'; Remark = '*changed*' }
    ) {
        $one = Get-One $Version
        $one.State | Should -Be $State
        if ($Remark) { $one.Remark | Should -BeLike $Remark } else { $one.Remark | Should -BeNullOrEmpty }
        @(Get-PgMigration $target -Path $folder -State $State).Version | Should -Contain $Version
        (Get-PgMigration $target -Path $folder | Out-String) | Should -Match "(?m)^$Version\b.* $State\b"
    }

    It 'shows what was changed as a unified diff' {
        $lines = (Get-One '2').Difference -split "`n"
        $lines[0] | Should -BeLike '--- 2_changed (applied * UTC)'
        $lines[1] | Should -Be "+++ $(Join-Path $folder 'V2__changed.sql')"
        $lines[2..6] -join '|' | Should -Be '@@ -1,4 +1,4 @@| CREATE TABLE changed (|-    id int,|+    id bigint,|     note text'
        (Get-One 'R__due').Difference |
            Should -BeLike '*-CREATE OR REPLACE VIEW due AS SELECT 1 AS one;*+CREATE OR REPLACE VIEW due AS SELECT 2 AS one;*'
        (Get-One '2' | Format-List | Out-String) |
            Should -Match ('(?m)^Difference\s+: --- 2_changed[^\n]*\n\s+\+\+\+ [^\n]*' +
                '\n\s+@@ -1,4 \+1,4 @@\s*\n\s+CREATE TABLE changed \(\s*\n\s+-    id int,')
    }

    It 'has no difference where there is none to see' {
        '1', '3', '4', '9' | ForEach-Object { (Get-One $_).Difference | Should -BeNullOrEmpty }
        (Get-One '3').AppliedScript | Should -Be "CREATE TABLE missing (id int);`n"
        Get-PgMigration $target -Path $folder | ForEach-Object { $_.Difference | Should -BeNullOrEmpty }
    }

    It 'shows how an interrupted script was changed since' {
        $script = "-- pgops: no-transaction`nCREATE TABLE begun (id int);`nSELECT 1;`n"
        Set-Content (Join-Path $folder 'V7__interrupted.sql') $script -NoNewline
        $one = Get-One '7'
        $one.State | Should -Be 'Interrupted'
        $one.Difference | Should -BeLike "*`n-SELECT pg_sleep(600);`n+SELECT 1;*"
    }

    It 'a migration that failed half-way is Failed, and one that failed whole is Pending with its error' {
        $other = New-MigrationFolder ([ordered]@{ '1_whole.sql' = "CREATE TABLE whole (id int);`nSELECT 1/0;`n" })
        $null = Invoke-Sql $target 'CREATE DATABASE failing'
        $failing = $target.WithDatabase('failing')
        Invoke-PgMigration $failing -Path $other -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $one = Get-PgMigration $failing -Path $other
        $one.State | Should -Be 'Pending'
        $one.Remark | Should -BeLike 'Failed and was rolled back whole: 22012*'

        Set-Content (Join-Path $other '1_whole.sql') "CREATE TABLE whole (id int);`n" -NoNewline
        Set-Content (Join-Path $other '2_half.sql') "-- pgops: no-transaction`nINSERT INTO whole VALUES (1);`nSELECT 1/0;`n" -NoNewline
        (Get-PgMigration $failing -Path $other -Detailed)[0].Difference | Should -BeLike "*`n-SELECT 1/0;*"
        Invoke-PgMigration $failing -Path $other -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $one = Get-PgMigration $failing -Path $other | Where-Object Version -EQ 2
        $one.State | Should -Be 'Failed'
        $one.Remark | Should -BeLike 'Failed after 1 of 2 statements: 22012*'
    }
}
