BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $target = $sandbox.Target
    $folder = New-MigrationFolder ([ordered]@{
            '001_t.sql'      = 'CREATE TABLE t (id int PRIMARY KEY);'
            '002_u.sql'      = 'CREATE TABLE u (id int);'
            'seeds/some.sql' = "INSERT INTO t VALUES (`${first}) ON CONFLICT DO NOTHING;"
        })
    $arguments = @{ Path = $folder; Variable = @{ first = 7 } }
    $null = Invoke-PgMigration $target @arguments
    $null = Invoke-Sql $target 'CREATE TABLE by_hand (id int)'

    function Get-Tables {
        Invoke-Sql $target ("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class " +
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
    }
    function Get-Databases {
        Invoke-Sql $sandbox.Target.WithDatabase('postgres') "SELECT string_agg(datname || oid, ' ' ORDER BY oid) FROM pg_database"
    }
}

AfterAll {
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Reset-PgDatabase' {
    It '-WhatIf says what would be lost and run, and touches nothing' {
        $before = Get-Databases
        $plan = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "Reset-PgDatabase '$($target.GetConnectionUri())' -Path '$folder' -Variable @{ first = 7 } -WhatIf")
        "$plan" |
            Should -BeLike 'What if: Drop shop@* MiB, 0 sessions of others) and rebuild it from * 2 migrations (001_t to 002_u), 1 seed.'
        Get-Databases | Should -Be $before
        Get-Tables | Should -Be 'by_hand,t,u'
    }

    It 'asks first' {
        $said = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "try { Reset-PgDatabase '$($target.GetConnectionUri())' -Path '$folder' -Variable @{ first = 7 } } catch { `"`$_`" }")
        "$said" | Should -BeLike '*without anybody to ask*It was not done*-Confirm:*'
        Get-Tables | Should -Be 'by_hand,t,u'
    }

    It 'leaves the database as it was when a migration fails' {
        Set-Content (Join-Path $folder '003_broken.sql') 'SELECT nonsense;'
        Reset-PgDatabase $target @arguments -Confirm:$false -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        Remove-Item (Join-Path $folder '003_broken.sql')
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'MigrationFailed,*'
        "$($failure[0])" | Should -BeLike '*003_broken.sql:1:8*is as it was*'
        Get-Tables | Should -Be 'by_hand,t,u'
    }

    It 'builds it anew with the seeds, and shows that as a table' {
        $reset = Reset-PgDatabase $target @arguments -Confirm:$false
        $reset.Target.Database | Should -Be 'shop'
        $reset.Applied.Count | Should -Be 2
        $reset.Seeded.Version | Should -Be 'S__some'
        $reset.DroppedBytes | Should -BeGreaterThan 1MB
        Get-Tables | Should -Be 't,u'
        Invoke-Sql $target 'SELECT id FROM t' | Should -Be 7
        ($reset | Out-String) | Should -Match 'shop@\S+\s+002\s+2\s+1\s+[\d.]+ MiB\s+[\d.]+ s'
        Get-PgMigration $target @arguments | ForEach-Object { $_.State | Should -Be 'Applied' }
    }

    It '-NoSeed leaves the seeds out' {
        (Reset-PgDatabase $target -Path $folder -NoSeed -Confirm:$false -ErrorAction Stop).Seeded | Should -BeNullOrEmpty
        Invoke-Sql $target 'SELECT count(*) FROM t' | Should -Be 0
    }

    It 'refuses a database that only the session calls one for development' {
        $null = Invoke-Sql $target ("CREATE ROLE dev LOGIN CREATEDB PASSWORD 'dev'; ALTER DATABASE shop OWNER TO dev; " +
            "ALTER ROLE dev SET pgops.environment = 'development'")
        $uri = $target.GetConnectionUri() -replace '//[^@]+@', '//dev:dev@'
        $said = Invoke-Fresh ("`$env:PGOPTIONS = '-c pgops.environment=development -c pgops.sandbox_id=mine'; " +
            "Import-Module '$PgOpsModule'; " +
            "try { Reset-PgDatabase '$uri' -Path '$folder' -NoSeed -Confirm:`$false -ErrorAction Stop } catch { `"`$_`" }")
        "$said" | Should -BeLike "*does not say that it is for development*ALTER DATABASE `"shop`" SET pgops.environment = 'development'*"
        Get-Tables | Should -Be 't,u'
    }
}

Describe '-Schema' {
    BeforeAll {
        $null = Invoke-Sql $target 'CREATE SCHEMA tenant_1; CREATE SCHEMA tenant_2'
        $tenants = New-MigrationFolder ([ordered]@{
                '1_a.sql'      = 'CREATE TABLE a (id int);'
                '2_b.sql'      = 'CREATE TABLE b (id int);'
                '2_b.down.sql' = 'DROP TABLE b;'
            })
        $null = Invoke-PgMigration $target -Path $tenants -Schema 'tenant_*'
    }

    It 'Undo-PgMigration undoes in each schema that fits, and the table says so' {
        $runs = Undo-PgMigration $target -Path $tenants -Schema 'tenant_*' -Confirm:$false
        $runs.Schema | Should -Be 'tenant_1', 'tenant_2'
        $runs | ForEach-Object { $_.Reverted.Count | Should -Be 1 }
        ($runs | Out-String) | Should -Match 'tenant_1@\S+\s+2\s+1\s+1 undone'
        Invoke-Sql $target ("SELECT to_regclass('tenant_1.b') IS NULL AND to_regclass('tenant_2.b') IS NULL " +
            "AND to_regclass('tenant_1.a') IS NOT NULL") | Should -Be 't'
    }

    It 'Repair-PgMigration speaks of one schema''s history' {
        $one = Repair-PgMigration $target -Path $tenants -Schema tenant_2 -Version 2 -MarkApplied -Reason 'by hand' -Confirm:$false
        $one.Schema | Should -Be 'tenant_2'
        (Get-PgMigration $target -Path $tenants -Schema 'tenant_*' | Where-Object Version -EQ 2).State | Should -Be 'Pending', 'Applied'
        {
            Repair-PgMigration $target -Path $tenants -Schema 'tenant_*' -Version 2 `
                -MarkApplied -Reason 'by hand' -Confirm:$false -ErrorAction Stop
        } |
            Should -Throw -ErrorId 'InvalidArgument,*'
        { Repair-PgMigration $target -Path $tenants -Schema tenant_2 -Version 2 -Reason 'by hand' -Confirm:$false -ErrorAction Stop } |
            Should -Throw '*-MarkApplied, -MarkNotApplied*' -ErrorId 'InvalidArgument,*'
    }
}
