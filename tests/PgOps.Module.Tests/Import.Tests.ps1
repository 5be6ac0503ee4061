# Import-PgMigrationHistory as a user runs it, on the tables that other tools leave.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox

    $first, $second, $third = 'CREATE TABLE a (id int);', 'CREATE TABLE b (id int);', 'CREATE TABLE c (id int);'
    $dbmate = New-MigrationFolder ([ordered]@{
            '20240101000000_a.sql' = "-- migrate:up`n$first`n-- migrate:down`nDROP TABLE a;`n"
            '20240102000000_b.sql' = "-- migrate:up`n$second`n-- migrate:down`nDROP TABLE b;`n"
            '20240103000000_c.sql' = "-- migrate:up`n$third`n-- migrate:down`nDROP TABLE c;`n"
        })

    # A database as the tool left it: the first two migrations applied, and its own table.
    function New-Adopted([string] $Name, [string] $Table) {
        $null = Invoke-Sql $sandbox.Target "CREATE DATABASE $Name"
        $target = $sandbox.Target.WithDatabase($Name)
        $null = Invoke-Sql $target "$first $second $Table"
        $target
    }

    $dbmateTable = 'CREATE TABLE schema_migrations (version varchar PRIMARY KEY); ' +
        "INSERT INTO schema_migrations VALUES ('20240101000000'), ('20240102000000');"

    function Get-Sha256([string] $Text) {
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($Text)
        [Convert]::ToHexString([System.Security.Cryptography.SHA256]::HashData($bytes)).ToLowerInvariant()
    }

    function Test-History($Target) { (Invoke-Sql $Target "SELECT to_regclass('pgops.migration_history') IS NOT NULL") -eq 't' }
}

AfterAll {
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Import-PgMigrationHistory' {
    It '-WhatIf names what would be recorded, and writes nothing' {
        $target = New-Adopted what_if $dbmateTable
        $plan = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "Import-PgMigrationHistory '$($target.GetConnectionUri())' -Path '$dbmate' -WhatIf")
        "$plan" | Should -BeLike '*What if:*20240101000000_a*What if:*20240102000000_b*'
        "$plan" | Should -Not -BeLike '*20240103000000_c*already*'
        Test-History $target | Should -BeFalse
    }

    It 'takes many databases over from the pipeline, and Invoke-PgMigration goes on with the rest' {
        $targets = 'one', 'two' | ForEach-Object { New-Adopted $_ $dbmateTable }
        $runs = $targets | Import-PgMigrationHistory -Path $dbmate
        $runs.Target.Database | Should -Be 'one', 'two'
        $runs | ForEach-Object {
            $_.Baselined.Version | Should -Be '20240101000000', '20240102000000'
            $_.StillPending | Should -Be 1
        }
        ($runs | Out-String) | Should -Match 'one@\S+\s+20240102000000\s+2 recorded'
        (Get-PgMigration $targets[0] -Path $dbmate).State | Should -Be 'Baselined', 'Baselined', 'Pending'
        ($targets | Invoke-PgMigration -Path $dbmate).Applied.Name | Should -Be 'c', 'c'
        Invoke-Sql $targets[1] 'SELECT count(*) FROM schema_migrations' | Should -Be 2
    }

    It 'takes over what has no script, on a person''s word' {
        $target = New-Adopted skipped $dbmateTable
        $folder = New-MigrationFolder ([ordered]@{
                '20240101000000_a.sql' = "-- migrate:up`n$first`n-- migrate:down`nDROP TABLE a;`n"
                '20240102000000_b.go'  = 'package migrations'
                '20240103000000_c.sql' = "-- migrate:up`n$third`n-- migrate:down`nDROP TABLE c;`n"
            })
        { Import-PgMigrationHistory $target -Path $folder -ErrorAction Stop } | Should -Throw '*-Skip 20240102000000 -Reason*'
        { Import-PgMigrationHistory $target -Path $folder -Skip 20240102000000 -ErrorAction Stop } | Should -Throw '*belong together*'
        $run = Import-PgMigrationHistory $target -Path $folder -Skip 20240102000000 -Reason 'written in Go'
        $run.Baselined[1].Remark | Should -BeLike 'imported from dbmate (*; skipped: written in Go'
        (Invoke-PgMigration $target -Path $folder).Applied.Name | Should -Be 'c'
    }

    It 'a database with nothing to take over is an error that stops no other' {
        $bare = New-Adopted bare ''
        $good = New-Adopted good $dbmateTable
        $runs = $bare, $good | Import-PgMigrationHistory -Path $dbmate -ErrorVariable failures -ErrorAction SilentlyContinue
        $runs.Target.Database | Should -Be 'good'
        $failures.Count | Should -Be 1
        $failures[0].TargetObject.Database | Should -Be 'bare'
        Test-History $bare | Should -BeFalse
    }

    It 'refuses a database that has a history of its own' {
        $target = New-Adopted twice $dbmateTable
        $null = Import-PgMigrationHistory $target -Path $dbmate
        { Import-PgMigrationHistory $target -Path $dbmate -ErrorAction Stop } |
            Should -Throw -ExpectedMessage '*already has a PgOps history*'
    }

    It 'leaves both to go on with -Beside, and goes back to PgOps alone' {
        $target = New-Adopted side_by_side $dbmateTable
        Get-PgMigration $target -Path $dbmate | ForEach-Object RecordedBy | Should -Be (@('dbmate (public.schema_migrations)') * 3)
        { Invoke-PgMigration $target -Path $dbmate -ErrorAction Stop } | Should -Throw -ErrorId 'ImportRequired,*'
        $null = Import-PgMigrationHistory $target -Path $dbmate -Beside
        (Invoke-PgMigration $target -Path $dbmate).Applied.Name | Should -Be 'c'
        Invoke-Sql $target 'SELECT count(*) FROM schema_migrations' | Should -Be 3
        (Undo-PgMigration $target -Path $dbmate -Confirm:$false).Reverted.Name | Should -Be 'c'
        Invoke-Sql $target 'SELECT count(*) FROM schema_migrations' | Should -Be 2
        $null = Import-PgMigrationHistory $target -Path $dbmate -Update -Beside:$false
        Invoke-Sql $target "DROP TABLE b; DELETE FROM schema_migrations WHERE version = '20240102000000'"
        { Invoke-PgMigration $target -Path $dbmate -ErrorAction Stop } |
            Should -Throw -ErrorId 'HistoriesDiverged,*' -ExpectedMessage '*gone: 20240102000000*'
        $plan = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "Import-PgMigrationHistory '$($target.GetConnectionUri())' -Path '$dbmate' -Update -WhatIf")
        "$plan" | Should -BeLike '*What if:*20240102000000_b*as undone by dbmate*'
        (Import-PgMigrationHistory $target -Path $dbmate -Update).Reverted.Name | Should -Be 'b'
        (Invoke-PgMigration $target -Path $dbmate).Applied.Name | Should -Be 'b', 'c'
        Invoke-Sql $target 'SELECT count(*) FROM schema_migrations' | Should -Be 1
    }

    It 'refuses an applied migration whose file is gone' {
        $target = New-Adopted gone "$dbmateTable INSERT INTO schema_migrations VALUES ('20230101000000')"
        { Import-PgMigrationHistory $target -Path $dbmate -ErrorAction Stop } |
            Should -Throw -ExpectedMessage '*20230101000000*Nothing was*'
        Test-History $target | Should -BeFalse
    }

    Context 'Prisma, which keeps checksums' {
        BeforeAll {
            $prisma = New-MigrationFolder ([ordered]@{
                    '20240101000000_a/migration.sql' = $first
                    '20240102000000_b/migration.sql' = $second
                    '20240103000000_c/migration.sql' = $third
                })
            $prismaTable = "CREATE TABLE _prisma_migrations (
                    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
                    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
                    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);
                INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count) VALUES
                    ('1', '$(Get-Sha256 $first)', now(), '20240101000000_a', 1),
                    ('2', '$(Get-Sha256 $second)', now(), '20240102000000_b', 1);"
        }

        It 'compares them' {
            (New-Adopted equal $prismaTable | Import-PgMigrationHistory -Path $prisma -From Prisma).Baselined.Count | Should -Be 2
        }

        It 'refuses a changed file, and takes it in with -AcceptChange and a note' {
            $target = New-Adopted changed $prismaTable.Replace((Get-Sha256 $second), (Get-Sha256 'something else'))
            { Import-PgMigrationHistory $target -Path $prisma -ErrorAction Stop } |
                Should -Throw -ErrorId 'MigrationChanged,*' -ExpectedMessage '*20240102000000_b*'
            Test-History $target | Should -BeFalse
            (Import-PgMigrationHistory $target -Path $prisma -AcceptChange).Baselined.Count | Should -Be 2
            Invoke-Sql $target "SELECT reason LIKE '%AcceptChange%' FROM pgops.migration_history WHERE version = '20240102000000'" |
                Should -Be 't'
        }

        It 'refuses what the tool itself calls failed' {
            $target = New-Adopted failed ("$prismaTable INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) " +
                "VALUES ('3', '$(Get-Sha256 $third)', '20240103000000_c', 'ERROR')")
            { Import-PgMigrationHistory $target -Path $prisma -ErrorAction Stop } | Should -Throw -ExpectedMessage '*20240103000000_c*'
            Test-History $target | Should -BeFalse
        }
    }
}
