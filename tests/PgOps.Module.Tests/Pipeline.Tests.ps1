BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox

    function New-Database([string] $Name) {
        $null = Invoke-Sql $sandbox.Target "CREATE DATABASE $Name"
        $sandbox.Target.WithDatabase($Name)
    }

    # Runs a script in a runspace of its own, stops it like Ctrl+C once $Until says so, and gives how long the stop took.
    function Stop-Midway([string] $Script, [hashtable] $Variables, [scriptblock] $Until) {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("param(`$v) Import-Module '$PgOpsModule'; $Script").AddArgument($Variables)
        $running = $shell.BeginInvoke()
        $deadline = [datetime]::UtcNow.AddSeconds(30)
        while (-not (& $Until)) {
            if ([datetime]::UtcNow -gt $deadline) { throw "Never got there: $($shell.Streams.Error)" }
            Start-Sleep -Milliseconds 50
        }
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $running.IsCompleted | Should -BeTrue
        $shell.Dispose()
        $clock.Elapsed
    }
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'Ctrl+C' {
    It 'cancels a migration''s running statement, rolls it back and records nothing' {
        $target = New-Database cancel_migration
        $folder = New-MigrationFolder ([ordered]@{ '001_slow.sql' = 'CREATE TABLE slow (id int); SELECT pg_sleep(120);' })
        $busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'cancel_migration' " +
            "AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
        $took = Stop-Midway 'Invoke-PgMigration $v.Target -Path $v.Path' @{ Target = $target; Path = $folder } {
            [int](Invoke-Sql $target $busy) -gt 0
        }
        $took | Should -BeLessThan '00:00:10'
        Invoke-Sql $target $busy | Should -Be 0
        Invoke-Sql $target ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' " +
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") | Should -Be 0
        Invoke-Sql $target "SELECT to_regclass('slow') IS NULL" | Should -Be 't'
        (Get-PgMigration $target -Path $folder).State | Should -Be 'Pending'
    }

    It 'ends pg_dump and removes the half-written backup before it returns' {
        $target = New-Database cancel_backup
        $null = Invoke-Sql $target 'CREATE TABLE held (id int); INSERT INTO held SELECT generate_series(1, 1000)'
        $backups = Join-Path $TestDrive 'cancelled'
        # The backup waits for this lock, so it must be held before the backup begins.
        $script = Join-Path $TestDrive 'hold.sql'
        Set-Content $script 'BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60);'
        $environment = @{}
        $target.GetEnvironment().GetEnumerator() | ForEach-Object { $environment[$_.Key] = $_.Value }
        $redirected = @{
            RedirectStandardOutput = Join-Path $TestDrive 'hold.out'
            RedirectStandardError  = Join-Path $TestDrive 'hold.err'
        }
        $null = Start-Process psql -ArgumentList '-X', '-q', '-f', $script -Environment $environment @redirected
        $held = "SELECT count(*) FROM pg_locks WHERE relation = 'held'::regclass AND mode = 'AccessExclusiveLock' AND granted"
        for ($patience = 0; [int](Invoke-Sql $target $held) -eq 0 -and $patience -lt 200; $patience++) { Start-Sleep -Milliseconds 50 }
        try {
            $waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'cancel_backup' AND wait_event_type = 'Lock'"
            $took = Stop-Midway 'Backup-PgDatabase $v.Target -Path $v.Path' @{ Target = $target; Path = $backups } {
                [int](Invoke-Sql $target $waiting) -gt 0
            }
            $took | Should -BeLessThan '00:00:15'
            Get-ChildItem $backups -ErrorAction Ignore | Should -BeNullOrEmpty
            # Other suites run pg_dump at the same time; this backup's names its folder.
            Get-Process pg_dump -ErrorAction Ignore | Where-Object CommandLine -Match ([regex]::Escape($backups)) | Should -BeNullOrEmpty
        }
        finally {
            $null = Invoke-Sql $sandbox.Target ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity " +
                "WHERE query LIKE '%LOCK TABLE held%' AND pid <> pg_backend_pid()")
        }
    }
}

Describe 'Select-Object -First 1' {
    It 'stops the command upstream: the second target is not migrated' {
        $first, $second = (New-Database first_one), (New-Database second_one)
        $folder = New-MigrationFolder @{ '001_t.sql' = 'CREATE TABLE t (id int);' }
        $run = $first, $second | Invoke-PgMigration -Path $folder | Select-Object -First 1
        $run.Target.Database | Should -Be 'first_one'
        Invoke-Sql $second "SELECT to_regclass('t') IS NULL" | Should -Be 't'
        # and the session is usable afterwards
        ($second | Invoke-PgMigration -Path $folder).Applied.Count | Should -Be 1
    }

    It 'gives the one object asked for' {
        $folder = New-MigrationFolder @{ '001_a.sql' = 'SELECT 1;'; '002_b.sql' = 'SELECT 1;' }
        @(Get-PgMigration $sandbox -Path $folder | Select-Object -First 1).Count | Should -Be 1
    }
}

Describe 'Streams' {
    BeforeAll {
        $target = New-Database streams
        $folder = New-MigrationFolder ([ordered]@{
                '001_notice.sql' = "DO `$`$ BEGIN RAISE NOTICE 'a notice'; RAISE WARNING 'a warning'; RAISE DEBUG 'quiet'; END `$`$;"
            })
        $log = Join-Path $TestDrive 'log.jsonl'
        $all = Invoke-PgMigration $target -Path $folder -Verbose -LogPath $log `
            -InformationVariable information -WarningVariable warnings *>&1
    }

    It 'sends a NOTICE to the Information stream' { "$information" | Should -BeLike '*a notice*' }
    It 'sends a WARNING to the Warning stream' { "$warnings" | Should -BeLike '*a warning*' }
    It 'tells its steps to -Verbose' {
        "$($all | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] })" |
            Should -BeLike '*Applied 001_notice*'
    }
    It 'writes JSON lines to -LogPath' {
        $lines = Get-Content $log | ForEach-Object { $_ | ConvertFrom-Json }
        $lines.message | Should -Contain 'NOTICE: a notice'
        $lines.level | Should -Contain 'Warning'
        $lines.command | Sort-Object -Unique | Should -Be 'Invoke-PgMigration'
    }
    It 'keeps the event and its values in the JSON lines' {
        $lines = Get-Content $log | ForEach-Object { $_ | ConvertFrom-Json }
        $applied = $lines | Where-Object eventName -EQ MigrationApplied
        $applied.eventId | Should -Be 5401
        $applied.values.migration | Should -Be '001_notice'
        $applied.values.milliseconds | Should -BeOfType [long]
        ($lines | Where-Object eventId -EQ 2002).values.message | Should -Contain 'a notice'
    }
}

Describe 'Errors' {
    It 'one failing target among many does not stop the others' {
        $good = New-Database good_one
        $folder = New-MigrationFolder @{ '001_t.sql' = 'CREATE TABLE t (id int);' }
        $runs = 'postgresql://nobody@localhost:1/x?connect_timeout=2', $good | Invoke-PgMigration -Path $folder `
            -ErrorAction SilentlyContinue -ErrorVariable failures
        $runs.Target.Database | Should -Be 'good_one'
        $failures.Count | Should -Be 1
        $failures[0].FullyQualifiedErrorId | Should -Be 'ConnectionFailed,PgOps.Cmdlets.Migrations.InvokePgMigrationCommand'
        $failures[0].CategoryInfo.Category | Should -Be 'ConnectionError'
        $failures[0].TargetObject.Port | Should -Be 1
        "$($failures[0])" | Should -BeLike '*localhost:1*State: The connection was not made, so nothing was done*Next:*'
    }

    It 'every code but Unknown has a category' {
        $records = (Get-Command Test-PgTarget).ImplementingType.Assembly.GetType('PgOps.Cmdlets.Pipeline.ErrorRecords')
        $category = $records.GetMethod('Category', [System.Reflection.BindingFlags]'NonPublic, Static')
        $codes = [enum]::GetValues([PgOps.PgErrorCode])
        $codes.Count | Should -BeGreaterThan 45
        $without = foreach ($code in $codes) { if ($category.Invoke($null, @($code)) -eq 'NotSpecified') { $code } }
        $without | Should -Be 'Unknown'
        $expected = @{
            StatementFailed = 'InvalidResult'; MigrationFailed = 'InvalidResult'; ToolFailed = 'FromStdErr'
            SandboxFailed = 'ResourceUnavailable'; BackupFailed = 'WriteError'; RestoreFailed = 'WriteError'
        }
        foreach ($code in $expected.Keys) { $category.Invoke($null, @([PgOps.PgErrorCode] $code)) | Should -Be $expected[$code] }
    }

    It '-ErrorAction Stop makes it terminating' {
        { Get-PgMigration $sandbox -Path ./nowhere -ErrorAction Stop } | Should -Throw -ErrorId 'PathNotFound,*'
    }

    It 'the module''s view keeps the caret under its column' {
        $target = New-Database caret
        $folder = New-MigrationFolder @{ '001_typo.sql' = "CREATE TABLE t (id int);`n`nSELECT id, nmae FROM t;`n" }
        Invoke-PgMigration $target -Path $folder -ErrorVariable failure -ErrorAction SilentlyContinue
        $shown = ($failure[0] | Out-String -Width 200) -split "`r?`n" -replace '\e\[[0-9;]*m'
        $line = $shown | Where-Object { $_ -like '*SELECT id, nmae*' }
        $caret = $shown[$shown.IndexOf($line) + 1]
        $caret.IndexOf('^') | Should -Be $line.IndexOf('nmae')
        "$shown" | Should -BeLike '*001_typo.sql:3:12*42703*State:*Next:*'
    }
}

Describe 'A question where nobody can answer' {
    BeforeAll {
        $target = New-Database asked
        $folder = New-MigrationFolder @{ '001_t.sql' = 'CREATE TABLE t (id int);' }
        $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'asked')
        $env:DATABASE_URL = $target.GetConnectionUri()
        $restore = "Restore-PgDatabase '$($backup.Path)' -Database asked_copy"
        $migrate = "Invoke-PgMigration -Path '$folder' -Confirm"
    }

    AfterAll { $env:DATABASE_URL = $null }

    It 'is an error that names -Confirm:$false, and ends the script' {
        $said = (Invoke-Fresh "Import-Module '$PgOpsModule'; $restore; 'went on'" 2>&1) -join "`n"
        $LASTEXITCODE | Should -Be 1
        $said | Should -BeLike '*NotConfirmed*without anybody to ask*It was not done.*-Confirm:$false*'
        $said | Should -Not -Match 'Read and Prompt|went on'
    }

    It 'is that error in every command' {
        $said = Invoke-Fresh @"
            Import-Module '$PgOpsModule'
            { $migrate }, { Backup-PgDatabase -Path '$TestDrive/none' -Confirm },
            { Start-PgSandbox -Confirm }, { New-PgMigration add_a_to_b -Path '$folder' -Confirm },
            { Get-PgBackup '$($backup.Path)' | Export-PgReport '$TestDrive/none.html' -Confirm } | ForEach-Object {
                try { & `$_; 'went on' } catch { `$_.FullyQualifiedErrorId }
            }
"@
        $said | Should -Be (@('NotConfirmed') * 5)
        Test-Path "$TestDrive/none*" | Should -BeFalse
    }

    # A pipe that nobody writes to would be waited for until the job is ended from outside.
    It 'takes what is piped in for no answer' {
        $program, $first = Get-Pwsh
        $said = 'y' | & $program @($first -ne '-NonInteractive') -Command "Import-Module '$PgOpsModule'; $restore" 2>&1
        $LASTEXITCODE | Should -Be 1
        "$said" | Should -BeLike '*NotConfirmed*'
    }

    It 'can have -ErrorAction, and is not asked with -Confirm:$false, -WhatIf and $ConfirmPreference' {
        $said = Invoke-Fresh @"
            Import-Module '$PgOpsModule'
            $migrate -ErrorAction SilentlyContinue -ErrorVariable failure; `$failure.Count
            $migrate -WhatIf
            `$ConfirmPreference = 'None'
            (Invoke-PgMigration -Path '$folder').Done
            (Invoke-PgMigration -Path '$folder' -Confirm:`$false).Done
"@
        $LASTEXITCODE | Should -Be 0
        $said[0] | Should -Be '1'
        $said[-2] | Should -Be '1 applied'
        $said[-1] | Should -Be 'nothing'
    }
}

Describe '-WhatIf changes nothing' {
    BeforeAll {
        $target = New-Database what_if
        $folder = New-MigrationFolder ([ordered]@{ '001_t.sql' = "CREATE TABLE t (id int);`nINSERT INTO t VALUES (1);" })
        $backups = Join-Path $TestDrive 'whatif'
        $null = Invoke-PgMigration $target -Path $folder
        $backup = Backup-PgDatabase $target -Path $backups
        Set-Content (Join-Path $folder '002_u.sql') "CREATE TABLE u (id int);`nCREATE INDEX ON u (id);"

        function Get-Everything {
            # tables, rows of the history, databases, files, sandboxes
            Invoke-Sql $target ("SELECT string_agg(oid::regclass::text, ',' ORDER BY oid) FROM pg_class " +
                "WHERE relnamespace = 'public'::regnamespace")
            Invoke-Sql $target 'SELECT count(*) FROM pgops.migration_history'
            Invoke-Sql $target "SELECT string_agg(datname, ',' ORDER BY oid) FROM pg_database"
            (Get-ChildItem $TestDrive -Recurse).FullName -join "`n"
            (Get-PgSandbox | Where-Object OwnerProcessId -EQ $PID).Id -join ','
        }
        $before = Get-Everything
    }

    It '<Name>' -ForEach @(
        @{ Name = 'Invoke-PgMigration'; Code = { Invoke-PgMigration $target -Path $folder -WhatIf } }
        @{ Name = 'Invoke-PgMigration -Baseline'; Code = { Invoke-PgMigration $sandbox -Path $folder -Baseline -ToVersion 002 -WhatIf } }
        @{ Name = 'New-PgMigration'; Code = { New-PgMigration add_v_to_t -Path $folder -WhatIf } }
        @{
            Name = 'Repair-PgMigration'
            Code = { Repair-PgMigration $target -Path $folder -Version 001 -MarkNotApplied -Reason test -WhatIf }
        }
        @{ Name = 'New-PgExpectation'; Code = { New-PgExpectation $target -Path (Join-Path $TestDrive 'x.json') -WhatIf } }
        @{ Name = 'Backup-PgDatabase'; Code = { Backup-PgDatabase $target -Path $backups -WhatIf } }
        @{ Name = 'Restore-PgDatabase'; Code = { Restore-PgDatabase $backup -Target $sandbox -Database copy -WhatIf } }
        @{ Name = 'Start-PgSandbox'; Code = { Start-PgSandbox -WhatIf } }
        @{ Name = 'Stop-PgSandbox'; Code = { Stop-PgSandbox $sandbox -WhatIf } }
    ) {
        & $Code | Should -BeNullOrEmpty
        Get-Everything | Should -Be $before
    }

    It 'prints the plan with each statement' {
        $plan = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "Invoke-PgMigration -Target '$($target.GetConnectionUri())' -Path '$folder' -WhatIf")
        "$plan" | Should -BeLike '*What if:*002_u*one transaction*line*1: CREATE TABLE u (id int)*line*2: CREATE INDEX ON u (id)*'
    }
}

Describe 'What is wrong with a parameter' {
    BeforeAll {
        $null = Backup-PgDatabase (New-Database described) -Path (Join-Path $TestDrive 'described')
        $backup = Get-PgBackup (Join-Path $TestDrive 'described')
        # No target at all: neither by parameter nor in the environment.
        $kept = Get-ChildItem env:PG*, env:DATABASE_URL -ErrorAction Ignore | Where-Object Name -NotLike 'PGOPS_*'
        $kept | Remove-Item
    }

    AfterAll {
        $kept | ForEach-Object { Set-Item "env:$($_.Name)" $_.Value }
    }

    It 'is an error of <Name> with its own id, and the pipeline goes on' -ForEach @(
        @{ Name = 'Test-PgTarget'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Backup-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{ Path = 'nowhere' } }
        @{ Name = 'Restore-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{ Backup = 'b'; Database = 'x' } }
        @{ Name = 'Switch-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{ With = 'x' } }
        @{ Name = 'Compare-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{ Reference = 'b' } }
        @{ Name = 'Test-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Invoke-PgMigration'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Get-PgMigration'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Undo-PgMigration'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Reset-PgDatabase'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Import-PgMigrationHistory'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'Get-PgBackup'; Id = 'InvalidArgument'; Parameters = @{ Path = 'env:x' } }
        @{ Name = 'Test-PgBackup'; Id = 'InvalidArgument'; Parameters = @{ Backup = 'b'; BinPath = 'env:x' } }
        @{ Name = 'Copy-PgBackup'; Id = 'InvalidArgument'; Parameters = @{ Backup = 'b'; Destination = 'env:x' } }
        @{ Name = 'Remove-PgBackup'; Id = 'InvalidArgument'; Parameters = @{ Backup = 'env:x'; KeepLast = 3 } }
        @{ Name = 'Test-PgRestore'; Id = 'InvalidArgument'; Parameters = @{ Backup = 'b'; BinPath = 'env:x' } }
        @{ Name = 'Start-PgSandbox'; Id = 'InvalidArgument'; Parameters = @{ BinPath = 'env:x' } }
        @{ Name = 'Get-PgSandbox'; Id = 'InvalidArgument'; Parameters = @{ SandboxPath = 'env:x' } }
        @{ Name = 'New-PgExpectation'; Id = 'TargetInvalid'; Parameters = @{} }
        @{ Name = 'New-PgMigration'; Id = 'InvalidArgument'; Parameters = @{ Name = 'add_a_to_b'; Path = 'env:x' } }
    ) {
        foreach ($one in @($Parameters.Keys)) { if ($Parameters[$one] -eq 'b') { $Parameters[$one] = $backup } }
        if ((Get-Command $Name).Parameters.ContainsKey('Confirm')) { $Parameters.Confirm = $false }
        & $Name @Parameters -ErrorAction SilentlyContinue -ErrorVariable failure
        # A terminating error would have ended the test here, and would bear no id of ours.
        $failure.Count | Should -Be 1
        $failure[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
        "$($failure[0])" | Should -Match 'Next:|is not a file system path'
    }
}
