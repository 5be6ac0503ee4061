BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox

    # Databases of one prefix, as targets.
    function New-Fleet([string] $Prefix, [int] $Count) {
        foreach ($i in 1..$Count) {
            $null = Invoke-Sql $sandbox.Target "CREATE DATABASE ${Prefix}_$i"
            $sandbox.Target.WithDatabase("${Prefix}_$i")
        }
    }

    # A schema with a tenant's name for each number.
    function New-Tenant($Target, [int[]] $Number) {
        foreach ($i in $Number) { $null = Invoke-Sql $Target "CREATE SCHEMA tenant_$i" }
    }

    $one = New-MigrationFolder @{ '001_t.sql' = 'CREATE TABLE t (id int);' }
    $slow = New-MigrationFolder @{ '001_t.sql' = 'SELECT pg_sleep(1); CREATE TABLE t (id int);' }
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'Invoke-PgMigration on many targets' {
    It 'takes an array, and gives one result for each in their order' {
        $fleet = New-Fleet ordered 3
        $runs = Invoke-PgMigration $fleet -Path $one
        $runs.Target.Database | Should -Be 'ordered_1', 'ordered_2', 'ordered_3'
        $runs.Applied.Count | Should -Be 3
    }

    It 'works side by side with -ThrottleLimit' {
        $fleet = New-Fleet parallel 4
        $runs = $fleet | Invoke-PgMigration -Path $slow -ThrottleLimit 4
        $runs.Count | Should -Be 4
        # Each began before any had ended, by the server's own clock.
        $times = foreach ($target in $fleet) {
            Invoke-Sql $target ('SELECT extract(epoch FROM started_at) || '' '' || extract(epoch FROM finished_at) ' +
                'FROM pgops.migration_history')
        }
        $begun = $times | ForEach-Object { [double]($_ -split ' ')[0] } | Measure-Object -Maximum
        $ended = $times | ForEach-Object { [double]($_ -split ' ')[1] } | Measure-Object -Minimum
        $begun.Maximum | Should -BeLessThan $ended.Minimum
    }

    It 'one failing target is one error with its target, and stops no other (<_> at a time)' -ForEach 1, 3 {
        $fleet = New-Fleet "failing$_" 4
        $null = Invoke-Sql $fleet[1] 'CREATE TABLE t (id text)'
        $runs = $fleet | Invoke-PgMigration -Path $one -ThrottleLimit $_ -AllowNotEmpty `
            -ErrorAction SilentlyContinue -ErrorVariable failures
        $runs.Target.Database | Sort-Object | Should -Be "failing${_}_1", "failing${_}_3", "failing${_}_4"
        $failures.Count | Should -Be 1
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'MigrationFailed,*'
        $failures[0].TargetObject.Database | Should -Be "failing${_}_2"
        "$($failures[0])" | Should -BeLike "*failing${_}_2*001_t*"
        # What failed can be given in again.
        $null = Invoke-Sql $fleet[1] 'DROP TABLE t'
        ($failures.TargetObject | Invoke-PgMigration -Path $one).Applied.Count | Should -Be 1
    }

    It '-StopOnError begins nothing more, and one error lists what was not begun (<_> at a time)' -ForEach 1, 2 {
        $fleet = New-Fleet "stopping$_" 5
        $null = Invoke-Sql $fleet[0] 'CREATE TABLE t (id text)'
        $runs = @(
            $fleet | Invoke-PgMigration -Path $slow -ThrottleLimit $_ -StopOnError `
                -ErrorAction SilentlyContinue -ErrorVariable failures
        )
        # BaselineRequired comes at once; with two at a time the second is running by then, or never begins.
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'BaselineRequired,*'
        $failures[1].FullyQualifiedErrorId | Should -BeLike 'TargetsNotBegun,*'
        $failures.Count | Should -Be 2
        $failures[1].TargetObject.Count | Should -Be (4 - $runs.Count)
        "$($failures[1])" | Should -BeLike "*(-StopOnError)*stopping${_}_5@*State:*untouched*Next:*"
        Invoke-Sql $fleet[4] "SELECT to_regnamespace('pgops') IS NULL" | Should -Be 't'
    }

    It '-Canary runs the first alone and the rest behind it' {
        $fleet = New-Fleet canary 3
        $runs = $fleet | Invoke-PgMigration -Path $slow -ThrottleLimit 3 -Canary 1
        $runs.Count | Should -Be 3
        $runs[0].Target.Database | Should -Be 'canary_1'
        $ended = [double](Invoke-Sql $fleet[0] 'SELECT extract(epoch FROM finished_at) FROM pgops.migration_history')
        foreach ($target in $fleet[1..2]) {
            [double](Invoke-Sql $target 'SELECT extract(epoch FROM started_at) FROM pgops.migration_history') | Should -BeGreaterThan $ended
        }
    }

    It 'a dead canary keeps the rest untouched' {
        $fleet = New-Fleet dead 3
        $null = Invoke-Sql $fleet[0] 'CREATE TABLE t (id text)'
        $runs = $fleet | Invoke-PgMigration -Path $one -ThrottleLimit 3 -Canary 1 -ErrorAction SilentlyContinue -ErrorVariable failures
        $runs | Should -BeNullOrEmpty
        $failures.FullyQualifiedErrorId | Should -BeLike '*InvokePgMigrationCommand'
        "$($failures[1])" | Should -BeLike '*2 targets were not begun*-Canary*dead_2*dead_3*'
        Invoke-Sql $fleet[1] "SELECT to_regnamespace('pgops') IS NULL" | Should -Be 't'
    }

    It 'log lines carry the target''s name' {
        $fleet = New-Fleet logging 2
        $said = $fleet | Invoke-PgMigration -Path $one -ThrottleLimit 2 -Verbose 4>&1 |
            Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$said" | Should -BeLike "*$($fleet[0]): Applied 001_t*"
        "$said" | Should -BeLike "*$($fleet[1]): Applied 001_t*"
    }

    It '-WhatIf shows each target''s plan and touches none' {
        $fleet = New-Fleet whatif 2
        $fleet | Invoke-PgMigration -Path $one -ThrottleLimit 2 -WhatIf | Should -BeNullOrEmpty
        $fleet | ForEach-Object { Invoke-Sql $_ "SELECT to_regnamespace('pgops') IS NULL" } | Should -Be 't', 't'
    }

    It 'Ctrl+C cancels all of them and returns when they have cleaned up' {
        $fleet = New-Fleet cancel 3
        $folder = New-MigrationFolder @{ '001_slow.sql' = 'CREATE TABLE slow (id int); SELECT pg_sleep(120);' }
        $busy = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'cancel%' AND query LIKE '%pg_sleep%' " +
            "AND state = 'active' AND pid <> pg_backend_pid()"
        $shell = [powershell]::Create()
        $null = $shell.AddScript("param(`$v) Import-Module '$PgOpsModule'; `$v.Fleet | Invoke-PgMigration -Path `$v.Path -ThrottleLimit 3")
        $null = $shell.AddArgument(@{ Fleet = $fleet; Path = $folder })
        $running = $shell.BeginInvoke()
        $deadline = [datetime]::UtcNow.AddSeconds(30)
        while ([int](Invoke-Sql $sandbox.Target $busy) -lt 3) {
            if ([datetime]::UtcNow -gt $deadline) { throw "Never got there: $($shell.Streams.Error)" }
            Start-Sleep -Milliseconds 50
        }
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $running.IsCompleted | Should -BeTrue
        $clock.Elapsed | Should -BeLessThan '00:00:10'
        $shell.Dispose()
        Invoke-Sql $sandbox.Target $busy | Should -Be 0
        foreach ($target in $fleet) {
            Invoke-Sql $target "SELECT to_regclass('slow') IS NULL" | Should -Be 't'
            (Get-PgMigration $target -Path $folder).State | Should -Be 'Pending'
        }
    }
}

Describe 'Schemas that are migrated each for itself' {
    It 'each has its tables, its history and its lock; a wildcard finds them' {
        $target = (New-Fleet tenants 1)[0]
        New-Tenant $target 1, 2, 3
        $null = Invoke-Sql $target 'CREATE SCHEMA other; CREATE TABLE other.busy (id int)'
        $runs = Invoke-PgMigration $target -Path $slow -Schema 'tenant_*' -ThrottleLimit 3
        $runs.Schema | Sort-Object | Should -Be 'tenant_1', 'tenant_2', 'tenant_3'
        "$($runs[0].Target)" | Should -BeLike 'tenants_1.tenant_*'
        foreach ($i in 1..3) {
            Invoke-Sql $target "SELECT to_regclass('tenant_$i.t') IS NOT NULL" | Should -Be 't'
            Invoke-Sql $target "SELECT count(*) FROM tenant_$i.migration_history" | Should -Be 1
        }
        Invoke-Sql $target ("SELECT to_regclass('public.t') IS NULL AND to_regnamespace('pgops') IS NULL " +
            "AND to_regclass('other.t') IS NULL") |
            Should -Be 't'
        $times = foreach ($i in 1..3) {
            Invoke-Sql $target ("SELECT extract(epoch FROM started_at) || ' ' || extract(epoch FROM finished_at) " +
                "FROM tenant_$i.migration_history")
        }
        $begun = $times | ForEach-Object { [double]($_ -split ' ')[0] } | Measure-Object -Maximum
        $ended = $times | ForEach-Object { [double]($_ -split ' ')[1] } | Measure-Object -Minimum
        $begun.Maximum | Should -BeLessThan $ended.Minimum
        # nothing is left to do, and the status says so for each
        (Invoke-PgMigration $target -Path $slow -Schema 'tenant_*').Applied | Should -BeNullOrEmpty
        $status = Get-PgMigration $target -Path $slow -Schema 'tenant_?'
        $status.Schema | Should -Be 'tenant_1', 'tenant_2', 'tenant_3'
        $status.State | Sort-Object -Unique | Should -Be 'Applied'
        $status | Out-String | Should -BeLike '*tenant_2: t*'
    }

    It 'the guard for objects without a history looks at the schema alone' {
        $target = (New-Fleet guard 1)[0]
        New-Tenant $target 1, 2
        $null = Invoke-Sql $target 'CREATE TABLE public.old (id int); CREATE TABLE tenant_2.old (id int)'
        $runs = Invoke-PgMigration $target -Path $one -Schema tenant_1, tenant_2 -ErrorAction SilentlyContinue -ErrorVariable failures
        $runs.Schema | Should -Be 'tenant_1'
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'BaselineRequired,*'
        $failures[0].TargetObject.Schema | Should -Be 'tenant_2'
        (Invoke-PgMigration $target -Path $one -Schema tenant_2 -Baseline).Baselined.Count | Should -Be 1
    }

    It 'a first migration that failed does not make the history''s own table an object' {
        $target = (New-Fleet again 1)[0]
        New-Tenant $target 1
        $broken = New-MigrationFolder @{ '001_t.sql' = 'SELECT nothing_there;' }
        Invoke-PgMigration $target -Path $broken -Schema tenant_1 -ErrorAction SilentlyContinue
        Set-Content (Join-Path $broken '001_t.sql') 'CREATE TABLE t (id int);'
        (Invoke-PgMigration $target -Path $broken -Schema tenant_1).Applied.Count | Should -Be 1
    }

    It 'no such schema is an error, and -CreateSchema makes a literal one' {
        $target = (New-Fleet missing 1)[0]
        foreach ($name in 'tenant_*', 'tenant_9') {
            Invoke-PgMigration $target -Path $one -Schema $name -ErrorAction SilentlyContinue -ErrorVariable failures |
                Should -BeNullOrEmpty
            $failures[0].FullyQualifiedErrorId | Should -BeLike 'SchemaNotFound,*'
            Get-PgMigration $target -Path $one -Schema $name -ErrorAction SilentlyContinue -ErrorVariable failures | Should -BeNullOrEmpty
            $failures[0].FullyQualifiedErrorId | Should -BeLike 'SchemaNotFound,*'
        }
        Invoke-PgMigration $target -Path $one -Schema tenant_9 -CreateSchema -WhatIf
        Invoke-Sql $target "SELECT to_regnamespace('tenant_9') IS NULL" | Should -Be 't'
        (Invoke-PgMigration $target -Path $one -Schema tenant_9 -CreateSchema).Schema | Should -Be 'tenant_9'
        Invoke-PgMigration $target -Path $one -Schema 'x*' -CreateSchema -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'SchemaNotFound,*'
    }

    It 'works with -Canary, and a target whose schemas are missing counts as a dead canary' {
        $fleet = New-Fleet canaries 2
        New-Tenant $fleet[1] 1
        $fleet | Invoke-PgMigration -Path $one -Schema 'tenant_*' -Canary 1 -ErrorAction SilentlyContinue -ErrorVariable failures |
            Should -BeNullOrEmpty
        $failures.Count | Should -Be 2
        $failures[1].TargetObject.Schema | Should -Be 'tenant_1'
        Invoke-Sql $fleet[1] "SELECT to_regclass('tenant_1.t') IS NULL" | Should -Be 't'
    }

    It 'refuses -HistorySchema beside -Schema' {
        Invoke-PgMigration $sandbox -Path $one -Schema a -HistorySchema b -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*'
    }
}

Describe 'New-PgMigration and names' {
    BeforeAll {
        $folder = New-MigrationFolder @{ '001_create_orders.sql' = 'CREATE TABLE orders (id int);' }
    }

    It 'writes the statement of a name that fits, and says nothing' {
        $made = New-PgMigration add_note_to_orders -Path $folder -WarningVariable said
        $said | Should -BeNullOrEmpty
        Get-Content $made.Path -Raw | Should -BeLike '*ALTER TABLE "orders" ADD COLUMN "note" /`* type `*/;*'
        [System.IO.File]::ReadAllBytes($made.Path) | Should -Not -Contain 13
    }

    It 'a name that fits none is a warning with the patterns, and the file is made all the same' {
        $made = New-PgMigration 'tidy up' -Path $folder -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike '*tidy_up*fits none*enable_rls_<table>*enable_rls_financials*'
        $made.Path | Should -Exist
    }

    It 'a name that says nothing is told so' {
        $null = New-PgMigration update_schema -Path $folder -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike '*says nothing*'
    }

    It '-Template none suppresses both' {
        $made = New-PgMigration add_fix_to_orders -Path $folder -Template none -WarningVariable said
        $null = New-PgMigration fix -Path $folder -Template none -WarningVariable +said
        $said | Should -BeNullOrEmpty
        Get-Content $made.Path -Raw | Should -Not -BeLike '*ALTER TABLE*'
    }

    It 'times are UTC and never collide' {
        $empty = Join-Path $TestDrive 'utc'
        $made = 1..5 | ForEach-Object { New-PgMigration "create_t$_" -Path $empty }
        @($made.Version | Sort-Object -Unique).Count | Should -Be 5
        [datetime]::ParseExact($made[0].Version, 'yyyyMMddHHmmss', $null) | Should -BeGreaterThan ([datetime]::UtcNow.AddMinutes(-1))
    }
}
